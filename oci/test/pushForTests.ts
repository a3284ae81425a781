import { Effect, type Either } from "effect"
import { type Authorize, type OciError, ociError, type PushEvent, pushImage } from "../src/index.ts"
import { withImage } from "./openForTests.ts"

interface Input {
  readonly from: string
  readonly host: string
  readonly repository: string
  readonly tag?: string
  readonly authorize?: Authorize
  /** Repositories that may have every blob. */
  readonly mountable?: ReadonlyArray<string>
  readonly onEvent?: (event: PushEvent) => void
  readonly environment?: Readonly<Record<string, string | undefined>>
  readonly platform?: string
}

export interface PushedForTest {
  readonly digest: string
  /** What became of each blob. */
  readonly outcomes: ReadonlyArray<string>
}

/** Opens an image and pushes it. */
export const pushForTest = ({
  authorize = () => ociError("refused", "no credential"),
  environment = {},
  from,
  host,
  mountable = [],
  onEvent = () => undefined,
  platform,
  repository,
  tag = "1"
}: Input): Promise<Either.Either<PushedForTest, OciError>> => {
  const outcomes: Array<string> = []
  return withImage(
    from,
    (image) =>
      pushImage(image, {
        registry: { host, repository, mountable, authorize },
        tag,
        proxy: undefined,
        repositoriesOf: () => mountable,
        onEvent: (event) => {
          if (event._tag === "done") outcomes.push(event.outcome)
          onEvent(event)
        }
      }).pipe(Effect.scoped, Effect.as({ digest: image.root.digest, outcomes })),
    { environment, ...(platform === undefined ? {} : { platform }) }
  )
}
