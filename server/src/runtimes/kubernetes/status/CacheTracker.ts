import type { ServiceName } from "@maxcloud/config-schema"
import { Clock, Effect, FiberMap, FiberSet, Layer, Option, Stream } from "effect"
import { KubeApi } from "../../kubeApi/KubeApi.ts"
import type { ServiceKey } from "../../port/Runtime.ts"
import { ClusterCache } from "../cache/ClusterCache.ts"
import { CoalescingHub } from "../cache/CoalescingHub.ts"
import { keyOfNamespace } from "../cache/namespaceKey.ts"
import { diagnose } from "../diagnosis/diagnose.ts"
import { type Finding, noVerdict, type Verdict, type Want } from "../diagnosis/Evidence.ts"
import { gather } from "../diagnosis/gather.ts"
import { isGone } from "../diagnosis/PodCase.ts"
import { podsOfRevision } from "../diagnosis/revisionFacts.ts"
import { revisionsOf, statusOf } from "./statusOf.ts"
import { Tracker } from "./Tracker.ts"

/** Questions under way at a time, of all services. */
const asksAtATime = 8

/** What is kept of a service that is, or was, not well. */
interface Case {
  readonly findings: Map<string, Finding>
  readonly asking: Set<string>
  /** The last certain word about a revision, for when its pods are gone. */
  remembered: { readonly revision: string; readonly verdict: Verdict } | undefined
}

const keyOf = (namespace: string, service: string) => `${namespace}/${service}`

const make = Effect.gen(function* () {
  const api = yield* KubeApi
  const cache = yield* ClusterCache
  const hub = new CoalescingHub<ServiceKey>()
  const cases = new Map<string, Case>()
  /** Services whose namespace is not known yet. */
  const strangers = new Map<string, Set<ServiceName>>()
  const timers = yield* FiberMap.make<string>()
  const asks = yield* FiberSet.make()
  const asking = yield* Effect.makeSemaphore(asksAtATime)
  // A service whose pods are not listed yet looks like one that has none.
  let synced = false
  const whenSynced = Effect.tap(cache.synced, () =>
    Effect.sync(() => {
      synced = true
    })
  )

  const publish = (namespace: string, service: ServiceName) => {
    const owner = Option.flatMap(Option.fromNullable(cache.namespace(namespace)), keyOfNamespace)
    if (Option.isNone(owner)) {
      strangers.set(namespace, (strangers.get(namespace) ?? new Set()).add(service))
      return
    }
    hub.publish(keyOf(namespace, service), { ...owner.value, service })
  }

  const caseOf = (key: string): Case => {
    const known = cases.get(key) ?? { findings: new Map(), asking: new Set(), remembered: undefined }
    cases.set(key, known)
    return known
  }

  const assess = (namespace: string, name: string, now: number) => {
    const service = cache.service(namespace, name)
    if (service === undefined) return undefined
    const revisions = cache.revisionsOf(namespace, name)
    const pods = cache.podsOf(namespace, name)
    const known = cases.get(keyOf(namespace, name))
    if (!synced) return { service, revisions, pods, revision: "", verdict: noVerdict }
    const verdict = diagnose({
      now,
      service,
      revisions,
      pods,
      eventsOf: (kind, involved) => cache.eventsOf(namespace, { kind, name: involved }),
      findings: known?.findings ?? new Map()
    })
    const revision = service.status.latestCreatedRevisionName
    const isAlive = podsOfRevision(pods, revision).some((_) => !isGone(_))
    const vague = verdict.diagnosis === null || verdict.diagnosis.code === "ProgressDeadlineExceeded"
    const failed = revision !== service.status.latestReadyRevisionName
    const remembered = known?.remembered
    const said = failed && vague && !isAlive && remembered?.revision === revision ? remembered.verdict : verdict
    return { service, revisions, pods, revision, verdict: said }
  }

  /** Looks at a service anew: what is to be asked is asked, and it is looked at again when a rule says so. */
  const look = (namespace: string, name: ServiceName): Effect.Effect<void> =>
    Effect.gen(function* () {
      const key = keyOf(namespace, name)
      const now = yield* Clock.currentTimeMillis
      const seen = assess(namespace, name, now)
      const verdict = seen?.verdict ?? noVerdict
      if (seen === undefined || verdict === noVerdict) {
        cases.delete(key)
        yield* FiberMap.remove(timers, key)
        return
      }
      const known = caseOf(key)
      const alive = new Set(seen.pods.map((_) => _.metadata.uid))
      for (const finding of known.findings.keys()) {
        const uid = finding.slice(0, finding.indexOf("/"))
        if (!alive.has(uid) && !seen.revisions.some((_) => _.metadata.uid === uid)) known.findings.delete(finding)
      }
      if (verdict.terminal) known.remembered = { revision: seen.revision, verdict }
      for (const want of verdict.wants) yield* ask(namespace, name, known, want)
      if (verdict.lookAgainAt !== undefined) {
        const delay = Math.max(50, verdict.lookAgainAt - now)
        yield* FiberMap.run(
          timers,
          key,
          // From a fiber of its own: looking again replaces this one.
          Effect.sleep(delay).pipe(Effect.zipRight(FiberSet.run(asks, noticed(namespace, name))))
        )
      }
    })

  const noticed = (namespace: string, name: ServiceName): Effect.Effect<void> =>
    Effect.zipRight(
      look(namespace, name),
      Effect.sync(() => publish(namespace, name))
    )

  const ask = (namespace: string, name: ServiceName, known: Case, want: Want) =>
    Effect.suspend(() => {
      if (known.asking.has(want.key) || known.findings.has(want.key)) return Effect.void
      known.asking.add(want.key)
      const answered = asking
        .withPermits(1)(gather(api, want))
        .pipe(
          Effect.tap((finding) => Effect.sync(() => known.findings.set(want.key, finding))),
          Effect.ensuring(Effect.sync(() => known.asking.delete(want.key))),
          Effect.zipRight(noticed(namespace, name))
        )
      return FiberSet.run(asks, answered)
    })

  yield* cache.changes.pipe(
    Stream.tap(() => (synced ? Effect.void : whenSynced)),
    Stream.runForEach(({ kind, name, namespace, service }) => {
      if (kind !== "namespace") return service === undefined ? Effect.void : noticed(namespace, service)
      const waiting = strangers.get(name) ?? []
      strangers.delete(name)
      return Effect.sync(() => {
        for (const stranger of waiting) publish(name, stranger)
      })
    }),
    Effect.forkScoped
  )

  return Tracker.of({
    status: Effect.fn("Tracker.status")(function* ({ namespace, service }: ServiceKey) {
      const seen = assess(namespace, service, yield* Clock.currentTimeMillis)
      return Option.map(Option.fromNullable(seen), ({ pods, revisions, service: object, verdict }) =>
        statusOf(service, object, revisions, pods, verdict)
      )
    }),
    revisions: ({ namespace, service }) =>
      Effect.sync(() =>
        revisionsOf(
          service,
          cache.service(namespace, service),
          cache.revisionsOf(namespace, service),
          cache.podsOf(namespace, service)
        )
      ),
    changes: hub.stream
  })
})

export const layer: Layer.Layer<Tracker, never, KubeApi | ClusterCache> = Layer.scoped(Tracker, make)
