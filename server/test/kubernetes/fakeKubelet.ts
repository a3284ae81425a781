import { label } from "@maxcloud/synth"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { KubeApi, KubeError } from "../../src/runtimes/kubeApi/KubeApi.ts"
import { type CacheChange, ClusterCache } from "../../src/runtimes/kubernetes/cache/ClusterCache.ts"
import { MetadataObject, PodObject } from "../../src/runtimes/kubernetes/cache/objects.ts"
import type { ServiceKey } from "../../src/runtimes/port/Runtime.ts"
import { timeOf } from "../../src/stores/logs/LogLine.ts"

interface Run {
  readonly lines: Array<{ readonly seconds: number; readonly text: string }>
  ended: boolean
  /** How many of its lines some answer has contained. */
  read: number
}

interface FakePod {
  readonly name: string
  readonly runs: Array<Run>
}

const newRun = (): Run => ({ lines: [], ended: false, read: 0 })

const decodePod = Schema.decodeUnknownSync(PodObject)
const decodeMetadata = Schema.decodeUnknownSync(MetadataObject)

/**
 * Pods of one service and their logs, as the API server and the kubelet provide them: with lost connections, equal times and
 * crashes.
 */
export class FakeKubelet {
  readonly #key: ServiceKey
  readonly #random: () => number
  readonly #pods = new Map<string, FakePod>()
  readonly #listeners = new Set<(change: CacheChange) => void>()
  readonly #waiting = new Set<() => void>()
  #nanos = 0
  /** How many answers follow a log now, and have followed one so far. */
  following = 0
  followed = 0

  /** `random`: from 0 to 1; decides where connections are lost. */
  constructor(key: ServiceKey, random: () => number) {
    this.#key = key
    this.#random = random
  }

  start(name: string): void {
    this.#pods.set(name, { name, runs: [newRun()] })
    this.#changed(name, false)
  }

  write(name: string, texts: ReadonlyArray<string>): void {
    for (const text of texts) {
      // Some in the same nanosecond, some slightly out of order.
      this.#nanos += this.#random() < 0.3 ? 0 : this.#random() < 0.2 ? -700 : 1_500
      this.#nanos = Math.max(0, this.#nanos)
      const millis = Date.now()
      const t = `${timeOf(millis).slice(0, 23)}${String(this.#nanos % 1_000_000).padStart(6, "0")}Z`
      this.#runOf(name)?.lines.push({ seconds: Math.trunc(millis / 1000), text: `${t} ${text}\n` })
    }
    this.#wake()
  }

  crash(name: string): void {
    const run = this.#runOf(name)
    if (run !== undefined) run.ended = true
    this.#pods.get(name)?.runs.push(newRun())
    this.#changed(name, false)
  }

  /** Its container exits; its log remains until `remove`. */
  end(name: string): void {
    const run = this.#runOf(name)
    if (run !== undefined) run.ended = true
    this.#changed(name, false)
  }

  /** Has somebody read all lines of its runs? A real kubelet keeps them longer than a busy machine needs for that. */
  isRead(name: string): boolean {
    return this.#pods.get(name)?.runs.every(({ lines, read }) => read >= lines.length) ?? true
  }

  remove(name: string): void {
    this.#pods.delete(name)
    this.#changed(name, true)
  }

  get layer(): Layer.Layer<KubeApi | ClusterCache> {
    const api = KubeApi.of({
      server: "https://fake",
      unreachableSince: Effect.succeedNone,
      unreachable: Effect.succeedNone,
      check: Effect.succeed(Option.none()),
      awayMillis: Effect.succeed(0),
      awaySince: () => 0,
      request: () => Effect.die("unused"),
      answer: () => Effect.die("unused"),
      socket: () => Effect.die("unused"),
      list: () => Effect.die("unused"),
      watch: () => Stream.die("unused"),
      watches: Effect.die("unused"),
      stream: ({ path, query = {} }) => this.#log(path.split("/").at(-2) ?? "", query)
    })
    const cache: ClusterCache["Type"] = {
      follows: () => true,
      synced: Effect.void,
      refresh: () => Effect.void,
      service: () => undefined,
      revision: () => undefined,
      revisionsOf: () => [],
      eventsOf: () => [],
      metadataOf: () => undefined,
      namespace: () => decodeMetadata({ metadata: { name: this.#key.namespace, labels: this.#labels() } }).metadata,
      pods: () => this.#objects(),
      podsOf: () => this.#objects(),
      changes: Stream.async<CacheChange>((emit) => {
        const listener = (change: CacheChange) => void emit.single(change)
        this.#listeners.add(listener)
        return Effect.sync(() => this.#listeners.delete(listener))
      }),
      sizes: () => ({})
    }
    return Layer.mergeAll(Layer.succeed(KubeApi, api), Layer.succeed(ClusterCache, cache))
  }

  #runOf(name: string): Run | undefined {
    return this.#pods.get(name)?.runs.at(-1)
  }

  #labels() {
    return { [label.organizationId]: this.#key.organizationId, [label.service]: this.#key.service }
  }

  #objects(): ReadonlyArray<PodObject> {
    return [...this.#pods.values()].map(({ name, runs }) => {
      const current = runs.at(-1)
      const state =
        current?.ended === true
          ? { terminated: { exitCode: 0, finishedAt: String(runs.length) } }
          : { running: { startedAt: String(runs.length) } }
      return decodePod({
        metadata: {
          name,
          uid: `${name}-0000-0000`,
          namespace: this.#key.namespace,
          labels: { ...this.#labels(), [label.revision]: "writer-00001" }
        },
        spec: { containers: [{ name: "user-container" }, { name: "queue-proxy" }] },
        status: { containerStatuses: [{ name: "user-container", restartCount: runs.length - 1, state }] }
      })
    })
  }

  #changed(name: string, deleted: boolean): void {
    const { metadata } = decodeMetadata({
      metadata: { name, uid: `${name}-0000-0000`, namespace: this.#key.namespace, labels: this.#labels() }
    })
    const change: CacheChange = {
      kind: "pod",
      namespace: this.#key.namespace,
      name,
      service: this.#key.service,
      deleted,
      metadata
    }
    for (const listener of this.#listeners) listener(change)
    this.#wake()
  }

  #wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  #more(holds: () => boolean): Effect.Effect<void> {
    return Effect.async<void>((resume) => {
      const check = () => {
        if (!holds()) return
        this.#waiting.delete(check)
        resume(Effect.void)
      }
      this.#waiting.add(check)
      check()
      return Effect.sync(() => this.#waiting.delete(check))
    })
  }

  #log(name: string, query: Readonly<Record<string, string>>): Stream.Stream<Uint8Array, KubeError> {
    const error = (reason: KubeError["reason"], status: number | undefined) =>
      new KubeError({ reason, status, statusReason: "", message: "fake", causes: [] })
    return Stream.suspend(() => {
      const pod = this.#pods.get(name)
      if (pod === undefined) return Stream.fail(error("notFound", 404))
      const run = pod.runs.at(query["previous"] === "true" ? -2 : -1)
      if (run === undefined) return Stream.fail(error("invalid", 400))
      const since = Date.parse(query["sinceTime"] ?? "1970-01-01T00:00:00Z") / 1000
      const follow = query["follow"] === "true"
      const tail = query["tailLines"] === undefined ? 0 : Math.max(0, run.lines.length - Number(query["tailLines"]))
      let at = tail
      const answered = Stream.repeatEffectOption(
        Effect.gen(this, function* () {
          if (follow) yield* this.#more(() => run.lines.length > at || run.ended)
          if (this.#random() < 0.05) return yield* Effect.fail(Option.some(error("unreachable", undefined)))
          if (at >= run.lines.length) return yield* Effect.fail(Option.none())
          const lines = run.lines.slice(at).filter(({ seconds }) => seconds >= since)
          at = run.lines.length
          run.read = Math.max(run.read, at)
          return Buffer.from(lines.map(({ text }) => text).join(""))
        })
      )
      if (!follow) return answered
      this.following++
      this.followed++
      return Stream.ensuring(
        answered,
        Effect.sync(() => this.following--)
      )
    })
  }
}
