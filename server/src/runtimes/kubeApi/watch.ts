import { Chunk, Effect, Exit, Option, Ref, Scope, Stream } from "effect"
import { KubeError, type KubeRequest, type WatchEvent, type WatchInput } from "./KubeApi.ts"
import { pathOf } from "./kinds.ts"
import { listPages } from "./listPages.ts"
import { LineReader } from "./ndjson.ts"
import type { OpenAnswer } from "./open.ts"
import { readWatchLine } from "./watchLines.ts"
import { nextMove, unlisted, type WatchEffect, type WatchHappening, watchStep } from "./watchMachine.ts"
import type { WatchReports } from "./watchReports.ts"

interface Transport {
  readonly request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>
  readonly open: (request: KubeRequest) => Effect.Effect<OpenAnswer, KubeError, Scope.Scope>
  readonly reports: WatchReports
}

interface Connection {
  readonly scope: Scope.CloseableScope
  readonly answer: OpenAnswer
  readonly lines: LineReader
  readonly sinceMillis: number
}

type Events<A> = ReadonlyArray<WatchEvent<A>>

/** The result of one move: events for the followers, and the event for the machine. */
interface Found<A> {
  readonly events: Events<A>
  readonly happenings: ReadonlyArray<WatchHappening>
}

const nameOf = ({ kind, namespace }: Pick<WatchInput<unknown>, "kind" | "namespace">) =>
  `watch of ${kind.plural}${namespace === undefined ? "" : ` in ${namespace}`}`

const askedBy = <A>({ fieldSelector, kind, labelSelector, metadataOnly, namespace }: WatchInput<A>, form: string) => ({
  method: "GET" as const,
  path: pathOf(kind, namespace),
  query: {
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector })
  },
  ...(metadataOnly === true ? { accept: `application/json;as=${form};v=v1;g=meta.k8s.io,application/json` } : {})
})

/** An installation of an earlier version may lack a right that this one needs. */
const grant = "The server lacks this right: run `maxcloud cluster install` as the cluster's administrator to grant it"

const failure = ({ message, reason }: KubeError): WatchHappening =>
  reason === "gone"
    ? { type: "expired" }
    : {
        type: "failed",
        why: reason === "forbidden" ? `${message}. ${grant}` : message,
        refused: reason !== "unreachable" && reason !== "tooMany"
      }

/** undefined: they don't say. */
const accessIn = (happenings: ReadonlyArray<WatchHappening>): boolean | undefined => {
  for (const happening of happenings) {
    if (happening.type === "listed" || happening.type === "connected") return true
    if (happening.type === "failed" && happening.refused) return false
  }
  return undefined
}

const sayUnreadable = (what: string, count: number) =>
  count === 0 ? Effect.void : Effect.logWarning(`${what}: skipping ${count} unreadable objects`)

const read = <A>({ decode }: WatchInput<A>, what: string, object: unknown): Effect.Effect<Option.Option<A>> =>
  Effect.suspend((): Effect.Effect<Option.Option<A>> => {
    const decoded = decode(object)
    return Option.isSome(decoded)
      ? Effect.succeed(decoded)
      : Effect.as(Effect.logWarning(`${what}: skipping an unreadable object`), decoded)
  })

const list = <A>(input: WatchInput<A>, what: string, request: Transport["request"]): Effect.Effect<Found<A>> =>
  Effect.gen(function* () {
    const { items, unreadable, version } = yield* listPages(
      request,
      askedBy(input, "PartialObjectMetadataList"),
      input.decode
    )
    yield* sayUnreadable(what, unreadable)
    const events: Events<A> = [{ type: "list", objects: items }]
    return { events, happenings: [{ type: "listed" as const, version }] }
  }).pipe(
    Effect.catchTags({
      ParseError: () =>
        Effect.succeed<Found<A>>({
          events: [],
          happenings: [{ type: "failed", why: "couldn't decode the list", refused: true }]
        }),
      KubeError: (error) => Effect.succeed<Found<A>>({ events: [], happenings: [failure(error)] })
    })
  )

/** Connects. Hands the connection to `keep` before anything can interrupt this, so that it's always closed. */
const connect = <A>(
  input: WatchInput<A>,
  open: Transport["open"],
  resourceVersion: string,
  keep: (connection: Connection) => Effect.Effect<void>
): Effect.Effect<Found<A>> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const asked = askedBy(input, "PartialObjectMetadata")
      const query = {
        ...asked.query,
        watch: "true",
        allowWatchBookmarks: "true",
        resourceVersion,
        // The server ends watches about every five minutes, not all at the same time.
        timeoutSeconds: String(240 + Math.floor(Math.random() * 120))
      }
      const answer = yield* restore(open({ ...asked, query }).pipe(Scope.extend(scope))).pipe(
        Effect.onError(() => Scope.close(scope, Exit.void))
      )
      yield* keep({ scope, answer, lines: new LineReader(), sinceMillis: performance.now() })
    })
  ).pipe(
    Effect.as<WatchHappening>({ type: "connected" }),
    Effect.catchAll((error) => Effect.succeed(failure(error))),
    Effect.map((happening) => ({ events: [], happenings: [happening] }))
  )

const receive = <A>(input: WatchInput<A>, what: string, { answer, lines, sinceMillis }: Connection) =>
  Effect.gen(function* () {
    const events: Array<WatchEvent<A>> = []
    const happenings: Array<WatchHappening> = []
    const found: Found<A> = { events, happenings }
    const lose = (how: "ended" | "gone" | "failed") => {
      happenings.push({ type: "lost", how, afterMillis: performance.now() - sinceMillis })
      return found
    }
    const piece = yield* Effect.orElseSucceed(answer.next, () => undefined)
    if (piece === undefined) return lose("ended")
    for (const text of lines.push(piece)) {
      const line = readWatchLine(what, text)
      if (line.type === "lost") return lose(line.how)
      if (line.version !== undefined) happenings.push({ type: "received", version: line.version })
      if (line.type === "bookmark") continue
      const object = yield* read(input, what, line.object)
      if (Option.isSome(object)) events.push({ type: line.type, object: object.value })
    }
    return found
  })

/** See `KubeApi.list`. */
export const listAll = <A>(input: WatchInput<A>, request: Transport["request"]) =>
  listPages(request, askedBy(input, "PartialObjectMetadataList"), input.decode).pipe(
    Effect.tap(({ unreadable }) => sayUnreadable(nameOf(input), unreadable)),
    Effect.map(({ items }) => items),
    Effect.catchTag(
      "ParseError",
      () =>
        new KubeError({
          reason: "unreachable",
          status: undefined,
          statusReason: "",
          message: `couldn't decode the list of ${input.kind.plural}`,
          causes: []
        })
    )
  )

/** See `KubeApi.watch`; Kubernetes API concepts, "Efficient detection of changes". */
export const watch = <A>(input: WatchInput<A>, { open, reports, request }: Transport): Stream.Stream<WatchEvent<A>> =>
  Stream.unwrapScoped(
    Effect.gen(function* () {
      const what = nameOf(input)
      const state = yield* Ref.make(unlisted)
      const connection = yield* Ref.make<Connection | undefined>(undefined)
      const close = Effect.flatMap(Ref.getAndSet(connection, undefined), (andSet) =>
        andSet === undefined ? Effect.void : Scope.close(andSet.scope, Exit.void)
      )
      yield* Effect.addFinalizer(() => close)
      const report = yield* Effect.acquireRelease(
        Effect.sync(() => reports.begin(input)),
        ({ end }) => Effect.sync(end)
      )

      const perform = (effect: WatchEffect) => {
        switch (effect.type) {
          case "close":
            return close
          case "sayBack":
            return Effect.logInfo(`${what} works again`)
          case "sayAway":
            return Effect.logWarning(`${what} fails, retrying: ${effect.why}`)
          case "wait":
            return Effect.sleep(effect.longestMillis * (0.5 + Math.random() / 2))
        }
      }
      const tell = (happening: WatchHappening) =>
        Ref.modify(state, (before) => {
          report.take(happening)
          const { effects, state: after } = watchStep(before, happening)
          return [effects, after] as const
        }).pipe(Effect.flatMap(Effect.forEach(perform, { discard: true })))

      const received = Effect.flatMap(Ref.get(connection), (found) =>
        found === undefined ? Effect.dieMessage(`${what} has no connection`) : receive(input, what, found)
      )

      const next = Effect.gen(function* () {
        const move = nextMove(yield* Ref.get(state))
        const found = yield* move.type === "list"
          ? list(input, what, request)
          : move.type === "connect"
            ? connect(input, open, move.version, (one) => Ref.set(connection, one))
            : received
        const access = accessIn(found.happenings)
        if (access !== undefined && input.onAccess !== undefined) yield* input.onAccess(access)
        yield* Effect.forEach(found.happenings, tell, { discard: true })
        return Chunk.unsafeFromArray([...found.events])
      })
      return Stream.repeatEffectChunk(next)
    })
  )
