import { Effect } from "effect"
import { kindOf, kinds } from "../../kubeApi/kinds.ts"
import { type Applier, type ApplierOptions, makeApplier } from "./Applier.ts"
import { makeApplied } from "./applied.ts"
import { makeBinding } from "./binding.ts"
import { makeDrift } from "./drift.ts"
import { makeDryRun } from "./dryRun.ts"
import { makeLeftAlone } from "./leftAlone.ts"
import { idOf, placeOf } from "./managed.ts"
import { makeRemover } from "./remove.ts"
import { makeSuccessors, type Told } from "./successors.ts"
import { makeTraffic } from "./traffic.ts"

export interface ApplyParts extends Pick<ApplierOptions, "api" | "cache" | "secrets" | "registryCredentials"> {
  /** Always exists (created by `maxcloud cluster install`). @default maxcloud-scratch */
  readonly scratchNamespace?: string
}

/**
 * Everything that writes manifests to the cluster and watches for other writers. The parts share what they know about each
 * other's work.
 */
export const makeApply = Effect.fn("makeApply")(function* ({
  scratchNamespace = "maxcloud-scratch",
  ...given
}: ApplyParts) {
  const { bind, request } = makeBinding(given.api)
  const { awayMillis, server, unreachableSince } = given.api
  const parts = { ...given, api: { server, unreachableSince, awayMillis, request } }
  const applied = yield* makeApplied
  const { apply, missing }: Applier = makeApplier({ ...parts, applied, bind })
  const successors = makeSuccessors()
  const reachableMillis = Effect.map(awayMillis, (away) => performance.now() - away)
  const told = (namespace: string, name: string): Told | undefined => {
    const service = parts.cache.service(namespace, name)
    return service === undefined
      ? undefined
      : { generation: service.metadata.generation, newestRevision: service.status.latestCreatedRevisionName }
  }

  /** Applies, and remembers which services will get a new revision from it. */
  const applyAwaited: Applier["apply"] = (key, manifests, options) =>
    Effect.suspend(() => {
      const services = manifests
        .filter((manifest) => kindOf(manifest) === kinds.service)
        .map(({ metadata: { name } }) => ({ name, before: told(key.namespace, name) }))
      return apply(key, manifests, options).pipe(
        Effect.ensuring(
          Effect.map(reachableMillis, (now) => {
            for (const { before, name } of services) {
              const place = placeOf("service", key.namespace, name)
              successors.applied(idOf(place), before, applied.of(place)?.generation ?? 0, now)
            }
          })
        )
      )
    })

  return {
    /** Does the cache show a service, or its newest revision, from before our last apply? */
    isBehind: (namespace: string, name: string): Effect.Effect<boolean> =>
      Effect.map(reachableMillis, (now) => {
        const place = placeOf("service", namespace, name)
        const metadata = parts.cache.metadataOf("service", namespace, name)
        if (metadata === undefined) return false
        return (
          applied.isOld(place, metadata) ||
          successors.isAwaited(idOf(place), told(namespace, name)?.newestRevision, now)
        )
      }),
    apply: applyAwaited,
    missing,
    ...makeTraffic(parts.api),
    remove: makeRemover({ ...parts, applied }),
    dryRun: makeDryRun({ ...parts, scratchNamespace }),
    drift: makeDrift({ ...parts, applied }),
    leftAlone: makeLeftAlone(parts.api, parts.cache)
  }
})
