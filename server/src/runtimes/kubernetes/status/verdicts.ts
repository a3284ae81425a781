import type { ServiceName } from "@maxcloud/config-schema"
import { Clock, Effect, FiberMap, FiberSet, Ref } from "effect"
import { cachedFor } from "../../../base/node/monotonic.ts"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { noVerdict, type Want } from "../diagnosis/Evidence.ts"
import { gather } from "../diagnosis/gather.ts"
import { roomHolds, roomOnNodes } from "../diagnosis/room.ts"
import { assess, forgetGone, type SeenService, type ServiceCase, seenService } from "./assess.ts"

/** How many questions may be open at once, for all services. */
const asksAtATime = 8

const keyOf = (namespace: string, service: string) => `${namespace}/${service}`

/** Verdicts on services. Calls `publish` after each check of a service. */
export const makeVerdicts = (
  api: KubeApi["Type"],
  cache: ClusterCache["Type"],
  publish: (namespace: string, service: ServiceName) => void
) =>
  Effect.gen(function* () {
    const cases = new Map<string, ServiceCase>()
    const timers = yield* FiberMap.make<string>()
    const asks = yield* FiberSet.make()
    const asking = yield* Effect.makeSemaphore(asksAtATime)
    const room = yield* cachedFor(roomOnNodes(api), roomHolds)
    // Wait for the pods: a service whose pods aren't listed yet looks like one without pods.
    const synced = yield* Ref.make(false)

    const verdictOn = (seen: SeenService, now: number) => {
      const { name, namespace } = seen.service.metadata
      return Effect.map(Ref.get(synced), (isSynced) =>
        isSynced ? assess(cache, seen, cases.get(keyOf(namespace, name)), now, api.awaySince) : noVerdict
      )
    }

    const caseOf = (key: string): ServiceCase => {
      const known = cases.get(key) ?? { findings: new Map(), asking: new Set(), remembered: undefined }
      cases.set(key, known)
      return known
    }

    /** Checks a service again: asks what the rules need, and repeats when a rule says so. */
    const look = (namespace: string, name: ServiceName): Effect.Effect<void> =>
      Effect.gen(function* () {
        const key = keyOf(namespace, name)
        const now = yield* Clock.currentTimeMillis
        const seen = seenService(cache, namespace, name)
        const verdict = seen === undefined ? noVerdict : yield* verdictOn(seen, now)
        if (seen === undefined || verdict === noVerdict) {
          cases.delete(key)
          yield* FiberMap.remove(timers, key)
          return
        }
        const known = caseOf(key)
        forgetGone(known, seen)
        if (verdict.diagnosis?.certain === true)
          known.remembered = { revision: seen.service.status.latestCreatedRevisionName, verdict }
        for (const want of verdict.wants) yield* ask(namespace, name, known, want)
        if (verdict.lookAgainAt !== undefined) {
          const delay = Math.max(50, verdict.lookAgainAt - now)
          yield* FiberMap.run(
            timers,
            key,
            // In a separate fiber, because checking again replaces this one.
            Effect.sleep(delay).pipe(Effect.zipRight(FiberSet.run(asks, lookAndTell(namespace, name))))
          )
        }
      })

    const lookAndTell = (namespace: string, name: ServiceName): Effect.Effect<void> =>
      Effect.zipRight(
        look(namespace, name),
        Effect.sync(() => publish(namespace, name))
      )

    const ask = (namespace: string, name: ServiceName, known: ServiceCase, want: Want) =>
      Effect.suspend(() => {
        if (known.asking.has(want.key) || known.findings.has(want.key)) return Effect.void
        known.asking.add(want.key)
        const answered = asking
          .withPermits(1)(gather(api, room, want))
          .pipe(
            Effect.tap((finding) => Effect.sync(() => known.findings.set(want.key, finding))),
            Effect.ensuring(Effect.sync(() => known.asking.delete(want.key))),
            Effect.zipRight(lookAndTell(namespace, name))
          )
        return FiberSet.run(asks, answered)
      })

    return {
      verdictOn,
      lookAndTell,
      /** Returns when verdicts are possible. */
      synced: Effect.unlessEffect(Effect.zipRight(cache.synced, Ref.set(synced, true)), Ref.get(synced))
    }
  })
