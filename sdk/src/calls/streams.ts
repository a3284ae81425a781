import { Chunk, Effect, Either, Schema, Stream } from "effect"
import { CloudEvent, DeploymentEvent, type DeploymentId, fromBatch, LogEntry } from "../api/index.ts"
import { type CallError, UnexpectedAnswer } from "../errors.ts"
import type { OptionKinds } from "../input/options.ts"
import { type InApp, parseDeployment, parseOptions } from "../input/parse.ts"
import type { ServerSentEvent } from "../transport/sse.ts"
import { subscribe } from "../transport/subscription.ts"
import type { Calling } from "./Calling.ts"
import type { Calls } from "./calls.ts"
import { type EventFilter, eventParameters } from "./eventCalls.ts"

export interface LogOptions {
  /** Whether to continue with new entries. @default false */
  readonly follow?: boolean | undefined
  /** RFC 3339, or a duration before now such as `10m`. */
  readonly since?: string | undefined
  readonly revision?: string | undefined
  /** How many of the last lines to start with. @default 100; all with `since` */
  readonly tail?: number | undefined
  /** Continues after the entry with this cursor. */
  readonly after?: string | undefined
  /**
   * With `follow`: called when the lines are interrupted, with the reason, such as an `Unavailable` while the cluster is unreachable. The
   * lines continue without a gap when it's over.
   */
  readonly onInterrupted?: ((reason: CallError) => void) | undefined
}

export interface FollowEventsOptions extends EventFilter {
  /** Starts after the event with this `sequence`, instead of now or at `since`. */
  readonly after?: string | undefined
}

const decodeCloudEvent = Schema.decodeUnknownEither(Schema.parseJson(CloudEvent))
const logOptions: OptionKinds<LogOptions & InApp> = {
  follow: "flag",
  since: "text",
  revision: "text",
  tail: "number",
  after: "text",
  onInterrupted: "function",
  app: "text",
  stage: "text"
}
const followOptions: OptionKinds<FollowEventsOptions> = {
  type: "text",
  app: "text",
  stage: "text",
  service: "text",
  since: "text",
  after: "text"
}

export interface DeploymentEventsOptions {
  /** Starts after the event with this id. */
  readonly lastEventId?: string | undefined
}

const decodeEvent = Schema.decodeUnknownEither(Schema.parseJson(DeploymentEvent))
const decodeEntry = Schema.decodeUnknownEither(Schema.parseJson(LogEntry))
const entriesIn = ({
  data,
  event
}: ServerSentEvent): Either.Either<ReadonlyArray<LogEntry>, { readonly message: string }> =>
  event === "logs" ? fromBatch(data) : Either.map(decodeEntry(data), (entry) => [entry])

/** The calls with responses as server-sent events. */
export const streamsOf = ({ api, apiUrl, call, connection }: Calling, find: Calls<string>["services"]["get"]) => {
  const unreadable = (path: string, detail: string) => () =>
    new UnexpectedAnswer({ url: `${apiUrl}${path}`, status: 200, detail })

  const eventsOf = (id: DeploymentId, lastEventId: string | undefined) => {
    const path = `/api/v1/deployments/${id}/events`
    return subscribe(connection, { path, lastEventId, endsWithConnection: false }).pipe(
      Stream.mapEffect((found) =>
        decodeEvent(found.data).pipe(Either.mapLeft((error) => unreadable(path, error.message)()))
      ),
      Stream.takeUntil((found) => found.type === "finished")
    )
  }

  const deploymentEvents = (written: string, given?: DeploymentEventsOptions) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const { lastEventId } = yield* parseOptions<DeploymentEventsOptions>(given, { lastEventId: "text" })
        return eventsOf(yield* parseDeployment(written), lastEventId)
      })
    )

  const followEvents = (given?: FollowEventsOptions) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const options = yield* parseOptions<FollowEventsOptions>(given, followOptions)
        const parameters = yield* eventParameters(options)
        const path = "/api/v1/events"
        const query = (resuming: boolean) =>
          new URLSearchParams(parameters.filter(([name]) => !(resuming && name === "since")).map(([...each]) => each))
        return subscribe(connection, { path, query, lastEventId: options.after, endsWithConnection: false }).pipe(
          Stream.mapEffect((found) =>
            Either.mapLeft(decodeCloudEvent(found.data), (error) => unreadable(path, error.message)())
          )
        )
      })
    )

  const waitFor = Effect.fn("MaxCloud.waitFor")(function* (written: string) {
    const id = yield* parseDeployment(written)
    yield* Stream.runDrain(eventsOf(id, undefined))
    return yield* call(api.deployments.get({ path: { id } }))
  })

  const logs = (name: string, given?: LogOptions & InApp) =>
    Stream.unwrap(
      Effect.gen(function* () {
        const options = yield* parseOptions<LogOptions & InApp>(given, logOptions)
        const { id } = yield* find(name, { app: options.app, stage: options.stage })
        const path = `/api/v1/services/${id}/logs`
        const batched = true
        const query = (resuming: boolean) => {
          const tail = resuming ? undefined : options.tail
          const { follow, revision, since } = options
          const parameters = new URLSearchParams()
          for (const [key, value] of Object.entries({ follow, since, revision, tail, batched })) {
            if (value !== undefined) parameters.set(key, String(value))
          }
          return parameters
        }
        const follow = options.follow === true
        let begun = false
        const { after: lastEventId, onInterrupted } = options
        return subscribe(connection, {
          path,
          query,
          // A server without batches sends each line on its own.
          optional: ["batched"],
          lastEventId,
          endsWithConnection: !follow,
          onInterrupted: follow ? onInterrupted : undefined
        }).pipe(
          Stream.filter((each) => each.event === "log" || each.event === "logs"),
          Stream.mapChunksEffect((events) => {
            begun = begun || events.length > 0
            return Either.mapLeft(Either.all(Chunk.map(events, entriesIn)), (error) =>
              unreadable(path, error.message)()
            ).pipe(Either.map((found) => Chunk.unsafeFromArray(found.flat())))
          }),
          // It was deleted while we followed it, so there is nothing more to read.
          Stream.catchTag("NotFound", (error) => (begun ? Stream.empty : Stream.fail(error)))
        )
      })
    )

  return { deploymentEvents, followEvents, waitFor, logs }
}
