import type { Image, OciError, PushEvent } from "@maxcloud/oci"
import type { MaxCloudError } from "@maxcloud/sdk/effect"
import { Effect, type Scope } from "effect"
import type { Cloud } from "../client.ts"
import { isErrorTag } from "../errors/exitCodes.ts"
import type { CommandFailed } from "../errors/failure.ts"
import { integerBytes } from "../output/format.ts"
import type { Terminal } from "../output/terminal.ts"
import { pushFailure } from "./pushFailure.ts"
import { memoryFile, type PushMemory, readPushMemory } from "./pushMemory.ts"
import { makePushProgress } from "./pushProgress.ts"

const loadOci = Effect.promise(() => import("@maxcloud/oci"))

interface PushInput {
  readonly cloud: Cloud
  readonly host: string
  readonly repository: string
  /** As the user wrote the image. */
  readonly written: string
  readonly tag: string | undefined
  readonly platform: string | undefined
  /** Those of the cluster's nodes; empty: unknown. */
  readonly platforms: ReadonlyArray<string>
  readonly terminal: Terminal
}

const isSdkError = (cause: unknown): cause is MaxCloudError =>
  typeof cause === "object" &&
  cause !== null &&
  "_tag" in cause &&
  typeof cause._tag === "string" &&
  isErrorTag(cause._tag)

/** The API's own error if there's one behind it: its exit code and fix are better than ours. */
const failureOf = (error: OciError): CommandFailed | MaxCloudError =>
  isSdkError(error.cause) ? error.cause : pushFailure(error)

/** Refuses an image that the cluster couldn't run, as `deploy` would. */
const acceptFor =
  ({ platforms, written }: PushInput) =>
  (built: ReadonlyArray<string>) =>
    Effect.flatMap(loadOci, ({ ociError }) => {
      const missing = platforms.filter((platform) => !built.includes(platform))
      if (missing.length === 0) return Effect.void
      const wanted = platforms.join(",")
      return ociError(
        "platform",
        `${written} is built for ${[...new Set(built)].join(", ")}, but the cluster has nodes of ${missing.join(", ")}`,
        `build it for them: \`podman build --platform ${wanted}\` or \`docker buildx build --platform ${wanted}\``
      )
    })

/** Other repositories of the organization that have layers of the image, as far as this machine knows. */
const mountableOf = (memory: PushMemory, { host, repository }: PushInput, { blobs }: Image) => {
  const organization = repository.slice(0, repository.indexOf("/") + 1)
  const others = (digest: string) =>
    memory.repositoriesOf(host, digest).filter((each) => each.startsWith(organization) && each !== repository)
  return { others, all: [...new Set(blobs.flatMap(({ digest }) => others(digest)))].slice(0, 20) }
}

/** Counts layers by what became of them. */
const makeCount = () => {
  const sizes = new Map<string, number>()
  const layers = { uploaded: 0, uploadedBytes: 0, existing: 0, mounted: 0 }
  return {
    layers,
    event: (event: PushEvent) => {
      if (event._tag === "blobs") for (const { digest, size } of event.blobs) sizes.set(digest, size)
      if (event._tag !== "done") return
      if (event.outcome === "exists") layers.existing++
      else if (event.outcome === "mounted") layers.mounted++
      else {
        layers.uploaded++
        layers.uploadedBytes += sizes.get(event.digest) ?? 0
      }
    }
  }
}

const push = (
  input: PushInput,
  memory: PushMemory,
  image: Image,
  tag: string
): Effect.Effect<ReturnType<typeof makeCount>["layers"], OciError, Scope.Scope> =>
  Effect.gen(function* () {
    const { cloud, host, repository, terminal } = input
    const oci = yield* loadOci
    const { authorizePush } = yield* Effect.promise(() => import("./authorizePush.ts"))
    const { proxyFor } = yield* Effect.promise(() => import("@maxcloud/sdk/proxy"))
    const { all, others } = mountableOf(memory, input, image)
    const count = makeCount()
    const progress = yield* Effect.acquireRelease(
      Effect.sync(() => makePushProgress(terminal)),
      ({ end }) => Effect.sync(end)
    )
    yield* oci.pushImage(image, {
      registry: { host, repository, mountable: all, authorize: authorizePush(oci, cloud, host) },
      tag,
      proxy: proxyFor(new URL(`https://${host}`)),
      repositoriesOf: (digest) => others(digest).filter((each) => all.includes(each)),
      onEvent: (event) => {
        count.event(event)
        progress.event(event)
        if (event._tag === "done") memory.stored(host, event.digest, repository)
      }
    })
    return count.layers
  })

/** What a push sent. */
export const layersLine = ({ existing, mounted, uploaded, uploadedBytes }: ReturnType<typeof makeCount>["layers"]) => {
  const others = mounted === 0 ? "" : `, ${mounted} mounted from other apps`
  return `${uploaded} ${uploaded === 1 ? "layer" : "layers"} pushed (${integerBytes(uploadedBytes)}), ${existing} existed already${others}`
}

/** Whether the registry has this image, so that neither a build nor a push is needed. */
export const isPushed = ({
  cloud,
  digest,
  host,
  repository
}: Pick<PushInput, "cloud" | "host" | "repository"> & { readonly digest: string }) =>
  Effect.gen(function* () {
    const oci = yield* loadOci
    const { authorizePush } = yield* Effect.promise(() => import("./authorizePush.ts"))
    const { proxyFor } = yield* Effect.promise(() => import("@maxcloud/sdk/proxy"))
    const registry = { host, repository, mountable: [], authorize: authorizePush(oci, cloud, host) }
    return yield* oci.hasManifest(registry, digest, proxyFor(new URL(`https://${host}`)))
  }).pipe(Effect.mapError(failureOf))

/** Opens an image and pushes it. Its layers go first, and its tag last. */
export const pushToRegistry = (input: PushInput) =>
  Effect.gen(function* () {
    const { host, platform, repository, written } = input
    const { openImage } = yield* loadOci
    const memory = yield* readPushMemory(memoryFile(process.env))
    const image = yield* openImage(written, { platform, memory, environment: process.env, accept: acceptFor(input) })
    const tag = input.tag ?? image.tag ?? "latest"
    const layers = yield* Effect.ensuring(push(input, memory, image, tag), memory.save)
    return {
      image: `${host}/${repository}:${tag}`,
      digest: image.root.digest,
      pinned: `${host}/${repository}@${image.root.digest}`,
      platforms: image.platforms,
      layers
    }
  }).pipe(Effect.scoped, Effect.mapError(failureOf))
