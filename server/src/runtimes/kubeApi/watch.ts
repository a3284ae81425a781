import { Chunk, Effect, Exit, Option, Schema, Scope, Stream } from "effect"
import { backoffMs } from "../../base/node/backoff.ts"
import type { KubeError, KubeRequest, WatchEvent, WatchInput } from "./KubeApi.ts"
import { pathOf } from "./kinds.ts"
import { LineReader } from "./ndjson.ts"
import type { OpenAnswer } from "./open.ts"
import { errorOfEvent } from "./status.ts"

const pageSize = 500
const maxBackOffMillis = 5_000
/** Failures in a row that nobody is told of: less than a second, as at a connection that is cut. */
const quietFailures = 3
/** A refusal that only the cluster's administrator ends. */
const maxRefusedMillis = 30_000

const List = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.String,
    continue: Schema.optionalWith(Schema.String, { default: () => "" })
  }),
  // `null` where the API server has none.
  items: Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Unknown)), { default: () => [] })
})
const decodeList = Schema.decodeUnknown(List)

const Line = Schema.parseJson(
  Schema.Struct({
    type: Schema.Literal("ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"),
    object: Schema.Unknown
  })
)
const decodeLine = Schema.decodeUnknownOption(Line)
const decodeVersion = Schema.decodeUnknownOption(
  Schema.Struct({ metadata: Schema.Struct({ resourceVersion: Schema.String }) })
)

interface Transport {
  readonly request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>
  readonly open: (request: KubeRequest) => Effect.Effect<OpenAnswer, KubeError, Scope.Scope>
}

interface Connection {
  readonly scope: Scope.CloseableScope
  readonly answer: OpenAnswer
  readonly lines: LineReader
  readonly sinceMillis: number
}

/** Why a watch has to begin anew. */
type Lost = { readonly type: "ended" | "gone" } | { readonly type: "failed"; readonly error: string }

const metadataAccept = (kind: string) => `application/json;as=${kind};v=v1;g=meta.k8s.io,application/json`

/** See `KubeApi.watch`; Kubernetes API concepts, "Efficient detection of changes". */
export const watch = <A>(input: WatchInput<A>, { open, request }: Transport): Stream.Stream<WatchEvent<A>> => {
  const { decode, fieldSelector, kind, labelSelector, metadataOnly = false, namespace } = input
  const path = pathOf(kind, namespace)
  const what = `watch of ${kind.plural}${namespace === undefined ? "" : ` in ${namespace}`}`
  const selectors = {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector })
  }
  const accepting = (form: string) => (metadataOnly ? { accept: metadataAccept(form) } : {})

  const read = (object: unknown): Effect.Effect<Option.Option<A>> =>
    Effect.suspend((): Effect.Effect<Option.Option<A>> => {
      const decoded = decode(object)
      return Option.isSome(decoded)
        ? Effect.succeed(decoded)
        : Effect.as(Effect.logWarning(`${what}: an object cannot be read, and is left out`), decoded)
    })

  const list = Effect.gen(function* () {
    const objects: Array<A> = []
    for (let next = ""; ; ) {
      const answer = yield* request({
        method: "GET",
        path,
        query: { ...selectors, limit: String(pageSize), ...(next === "" ? {} : { continue: next }) },
        ...accepting("PartialObjectMetadataList")
      })
      const { items, metadata } = yield* decodeList(answer)
      for (const item of items ?? []) {
        const object = yield* read(item)
        if (Option.isSome(object)) objects.push(object.value)
      }
      if (metadata.continue === "") return { objects, resourceVersion: metadata.resourceVersion }
      next = metadata.continue
    }
  })

  return Stream.unwrapScoped(
    Effect.gen(function* () {
      let version: string | undefined
      let connection: Connection | undefined
      let failures = 0
      let away = false

      const close = Effect.suspend(() => {
        const open = connection
        connection = undefined
        return open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
      })
      yield* Effect.addFinalizer(() => close)

      const back = Effect.suspend(() => {
        failures = 0
        if (!away) return Effect.void
        away = false
        return Effect.logInfo(`${what} is back`)
      })
      const waitAway = (why: string, longest: number) =>
        Effect.gen(function* () {
          failures++
          if (failures > quietFailures && !away) {
            away = true
            yield* Effect.logWarning(`${what} is away, and is tried again: ${why}`)
          }
          yield* Effect.sleep(backoffMs({ baseMs: 125, maxMs: longest }, failures) * (0.5 + Math.random() / 2))
        })
      const failed = (error: KubeError) =>
        waitAway(
          error.message,
          error.reason === "unreachable" || error.reason === "tooMany" ? maxBackOffMillis : maxRefusedMillis
        )

      const listed = list.pipe(
        Effect.tap(() => back),
        Effect.map(({ objects, resourceVersion }): ReadonlyArray<WatchEvent<A>> => {
          version = resourceVersion
          return [{ type: "list", objects }]
        }),
        Effect.catchTags({
          ParseError: () => Effect.as(waitAway("the list cannot be read", maxRefusedMillis), []),
          // A list of several pages took longer than the API server keeps its state.
          KubeError: (error) => (error.reason === "gone" ? Effect.succeed([]) : Effect.as(failed(error), []))
        })
      )

      const connect = (resourceVersion: string) =>
        Effect.uninterruptibleMask((restore) =>
          Effect.gen(function* () {
            const scope = yield* Scope.make()
            const answer = yield* restore(
              open({
                method: "GET",
                path,
                query: {
                  ...selectors,
                  watch: "true",
                  allowWatchBookmarks: "true",
                  resourceVersion,
                  // Ends at the server about every five minutes, not all at the same time.
                  timeoutSeconds: String(240 + Math.floor(Math.random() * 120))
                },
                ...accepting("PartialObjectMetadata")
              }).pipe(Scope.extend(scope))
            ).pipe(Effect.onError(() => Scope.close(scope, Exit.void)))
            connection = { scope, answer, lines: new LineReader(), sinceMillis: performance.now() }
          })
        ).pipe(
          Effect.zipRight(back),
          Effect.catchAll((error) =>
            Effect.suspend(() => {
              if (error.reason !== "gone") return failed(error)
              version = undefined
              return Effect.void
            })
          )
        )

      const lost = (connected: Connection, how: Lost) =>
        Effect.gen(function* () {
          yield* close
          if (how.type === "gone") version = undefined
          // One that ends at once would be opened again without end.
          if (performance.now() - connected.sinceMillis < 1000) yield* waitAway(how.type, maxBackOffMillis)
        })

      const eventsOf = (lines: ReadonlyArray<string>) =>
        Effect.gen(function* () {
          const events: Array<WatchEvent<A>> = []
          for (const line of lines) {
            const event = decodeLine(line)
            if (Option.isNone(event)) return { events, lost: { type: "failed", error: "no event" } as const }
            const { object, type } = event.value
            if (type === "ERROR") {
              const error = errorOfEvent(what, object)
              const gone = error.reason === "gone"
              return {
                events,
                lost: gone ? ({ type: "gone" } as const) : ({ type: "failed", error: error.message } as const)
              }
            }
            const at = decodeVersion(object)
            if (Option.isSome(at)) version = at.value.metadata.resourceVersion
            if (type === "BOOKMARK") continue
            const decoded = yield* read(object)
            if (Option.isSome(decoded)) {
              events.push({ type: type === "DELETED" ? "delete" : "put", object: decoded.value })
            }
          }
          return { events, lost: undefined }
        })

      const received = (connected: Connection) =>
        Effect.gen(function* () {
          const piece = yield* connected.answer.next.pipe(Effect.catchAll(() => Effect.succeed(undefined)))
          if (piece === undefined) {
            yield* lost(connected, { type: "ended" })
            return []
          }
          const { events, lost: how } = yield* eventsOf(connected.lines.push(piece))
          if (how !== undefined) yield* lost(connected, how)
          return events
        })

      const next: Effect.Effect<ReadonlyArray<WatchEvent<A>>> = Effect.suspend(() => {
        if (version === undefined) return listed
        if (connection === undefined) return Effect.as(connect(version), [])
        return received(connection)
      })
      return Stream.repeatEffectChunk(Effect.map(next, Chunk.unsafeFromArray))
    })
  )
}
