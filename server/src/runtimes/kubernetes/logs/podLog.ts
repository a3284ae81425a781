import { label } from "@maxcloud/synth"
import { Effect, Stream } from "effect"
import { backoffMs, jittered } from "../../../base/node/backoff.ts"
import { type LinePosition, type LogLine, millisOf } from "../../../stores/logs/LogLine.ts"
import type { KubeApi, KubeError } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import type { PodObject } from "../cache/objects.ts"
import { queueProxy } from "../queueProxy.ts"
import type { PodChanges } from "./PodChanges.ts"
import { type LinesOf, PodLines } from "./PodLines.ts"

export interface PodLogSource extends LinesOf {
  readonly namespace: string
  readonly container: string
}

export const podLogSource = ({ metadata, spec }: PodObject): PodLogSource => ({
  namespace: metadata.namespace,
  uid: metadata.uid,
  instance: metadata.name,
  revision: metadata.labels[label.revision] ?? "",
  container: spec.containers.find(({ name }) => name !== queueProxy)?.name ?? "user-container"
})

/** The run of the container that has lines; undefined before the first one. */
const runOf = (pod: PodObject, container: string): { readonly id: string; readonly running: boolean } | undefined => {
  const status = pod.status.containerStatuses.find(({ name }) => name === container)
  if (status === undefined) return undefined
  const { running, terminated } = status.state
  const last = status.lastState.terminated
  if (running === undefined && terminated === undefined && last === undefined) return undefined
  const id = [status.restartCount, running?.startedAt, terminated?.finishedAt, last?.finishedAt].join(" ")
  return { id, running: running !== undefined }
}

/** The first wanted lines. */
export interface From {
  readonly after: LinePosition | undefined
  /** Only lines from this time on, as `LogLine.t`. */
  readonly since: string | undefined
}

interface Answer {
  readonly previous: boolean
  readonly follow: boolean
  readonly tail?: number | undefined
}

const sinceTime = ({ after, since }: From): string | undefined => {
  const t = after !== undefined && (since === undefined || after.t > since) ? after.t : since
  // The API server rounds to seconds; start a second earlier, for stable identities (`PodLines`).
  return t === undefined ? undefined : `${new Date(Math.max(0, millisOf(t) - 1000)).toISOString().slice(0, 19)}Z`
}

/** Lines of one answer (Kubernetes API, "read log of the specified Pod"). */
const answer = (
  api: KubeApi["Type"],
  source: PodLogSource,
  from: From,
  { follow, previous, tail }: Answer
): Stream.Stream<ReadonlyArray<LogLine>, KubeError> =>
  Stream.suspend(() => {
    const lines = new PodLines(source, from.after)
    const { since } = from
    const begin = sinceTime(from)
    const wanted = (given: ReadonlyArray<LogLine>) =>
      since === undefined ? given : given.filter(({ t }) => t >= since)
    return api
      .stream({
        path: `${pathOf(kinds.pod, source.namespace, source.instance)}/log`,
        query: {
          container: source.container,
          timestamps: "true",
          ...(follow ? { follow: "true" } : {}),
          ...(previous ? { previous: "true" } : {}),
          ...(begin === undefined ? {} : { sinceTime: begin }),
          ...(tail === undefined ? {} : { tailLines: String(tail) })
        }
      })
      .pipe(
        Stream.map((bytes) => wanted(lines.push(bytes))),
        Stream.concat(Stream.sync(() => wanted(lines.end()))),
        Stream.filter((given) => given.length > 0)
      )
  })

/** Does the container lack this run, or any run so far? The API server answers 400; 404 means the pod is gone. */
const isNone = ({ reason, status }: KubeError) => status === 400 || reason === "notFound"

const orNone = Stream.catchAll((error: KubeError) => (isNone(error) ? Stream.empty : Stream.fail(error)))

const last = (lines: ReadonlyArray<LogLine>): LinePosition | undefined => lines.at(-1)

/** The currently available lines in order, including those of the run before a crash. None if the pod is gone. */
export const podLines = (
  api: KubeApi["Type"],
  source: PodLogSource,
  from: From
): Stream.Stream<ReadonlyArray<LogLine>, KubeError> =>
  Stream.suspend(() => {
    let { after } = from
    const read = (previous: boolean) =>
      Stream.suspend(() => orNone(answer(api, source, { ...from, after }, { previous, follow: false })))
    return Stream.concat(read(true), read(false)).pipe(
      Stream.tap((lines) =>
        Effect.sync(() => {
          after = last(lines) ?? after
        })
      )
    )
  })

/**
 * Lines with equal timestamps can't be told apart, so lines with the first one's time are left out: earlier ones may be missing.
 */
const withoutFirstTime = (lines: ReadonlyArray<LogLine>, asked: number) =>
  lines.length < asked ? lines : lines.filter(({ t }) => t !== lines[0]?.t)

/** The last available lines, at least `tail` if there are as many. */
export const podTail = (
  api: KubeApi["Type"],
  source: PodLogSource,
  tail: number
): Effect.Effect<ReadonlyArray<LogLine>, KubeError> =>
  Effect.gen(function* () {
    const asked = tail + 50
    const read = (previous: boolean) =>
      orNone(
        answer(api, source, { after: undefined, since: undefined }, { previous, follow: false, tail: asked })
      ).pipe(
        Stream.runFold<Array<LogLine>, ReadonlyArray<LogLine>>([], (all, lines) => {
          all.push(...lines)
          return all
        }),
        Effect.map((lines) => withoutFirstTime(lines, asked))
      )
    const current = yield* read(false)
    if (current.length >= tail && current.length > 0) return current
    const before = yield* read(true)
    const first = current[0]
    return [...before.filter(({ t }) => first === undefined || t < first.t), ...current]
  })

export interface Follow {
  readonly api: KubeApi["Type"]
  readonly changes: PodChanges
  /** The current pod; undefined if it is gone. */
  readonly pod: () => PodObject | undefined
  readonly source: PodLogSource
  readonly from: From
  /**
   * Takes lines. While it waits, the connection to the kubelet fills, and the kubelet waits too. `live`: they are of the present run, and
   * those of the run before have been given.
   */
  readonly give: (lines: ReadonlyArray<LogLine>, live: boolean) => Effect.Effect<void>
  /** Called with `true` when it reads the present run, and with `false` when it can't reach the cluster. */
  readonly current?: ((current: boolean) => void) | undefined
  /** A run of the container has ended, and all its lines were given. */
  readonly runEnded?: (() => void) | undefined
  /** Limits how many pods read the lines of their former runs at a time. */
  readonly gate?: Effect.Semaphore | undefined
  /** Called when it has passed the gate. */
  readonly begun?: (() => void) | undefined
}

export interface Followed {
  /**
   * Have all lines been read? False if the instance was gone before its last run was read to the end: the API server was unreachable,
   * or this began too late.
   */
  readonly complete: boolean
  readonly after: LinePosition | undefined
}

/** Gives each of an instance's lines once, through crashes and lost connections, until the pod is gone. */
export const followPod = (options: Follow): Effect.Effect<Followed> =>
  Effect.gen(function* () {
    const { api, begun, changes, current = () => undefined, from, gate, give, pod, runEnded, source } = options
    const { container, instance, namespace } = source
    let { after } = from
    let complete = false
    const read = (options: Answer) =>
      Stream.runForEach(answer(api, source, { ...from, after }, options), (lines) =>
        Effect.map(give(lines, options.follow), () => {
          after = last(lines) ?? after
        })
      )
    const readPrevious = Effect.gen(function* () {
      begun?.()
      // Repeat while there are lines: the container may have crashed again meanwhile.
      for (let before: LinePosition | undefined, first = true; first || after !== before; first = false) {
        before = after
        yield* Effect.catchIf(read({ previous: true, follow: false }), isNone, () => Effect.void)
      }
    })
    const attempt = Effect.zipRight(
      gate === undefined ? readPrevious : gate.withPermits(1)(readPrevious),
      Effect.suspend(() => {
        current(true)
        return read({ previous: false, follow: true })
      })
    )
    const runNow = () => {
      const now = pod()
      return now === undefined ? undefined : runOf(now, container)
    }
    const changedFrom = (run: string | undefined) =>
      changes.until(namespace, instance, () => pod() === undefined || runNow()?.id !== run)

    for (let failures = 0; ; ) {
      if (pod() === undefined) return { complete, after }
      const run = runNow()
      if (run === undefined) {
        yield* changedFrom(undefined)
        continue
      }
      complete = false
      const outcome = yield* Effect.either(attempt)
      if (outcome._tag === "Right") {
        complete = !run.running
        failures = 0
        runEnded?.()
        const ended = changedFrom(run.id)
        // If the answer ends while the container runs, the connection broke, or the cache hasn't seen the container's end yet.
        yield* run.running ? Effect.timeoutOption(ended, "2 seconds") : ended
      } else if (isNone(outcome.left)) {
        yield* Effect.timeoutOption(changedFrom(run.id), "1 second")
      } else {
        current(false)
        failures++
        yield* Effect.sleep(jittered(backoffMs({ baseMs: 100, maxMs: 5_000 }, failures)))
      }
    }
  })
