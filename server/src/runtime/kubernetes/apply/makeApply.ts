import { Effect } from "effect"
import { type Applier, type ApplierOptions, makeApplier } from "./Applier.ts"
import { makeApplied } from "./applied.ts"
import { makeBinding } from "./binding.ts"
import { makeDrift } from "./drift.ts"
import { makeDryRun } from "./dryRun.ts"
import { makeLookup } from "./lookup.ts"
import { placeOf } from "./managed.ts"
import { makeRemover } from "./remove.ts"

export interface ApplyParts extends Pick<ApplierOptions, "api" | "cache" | "secrets" | "registryCredentials"> {
  /** Always there (`maxcloud cluster install`). @default maxcloud-scratch */
  readonly scratchNamespace?: string
}

/** All that writes manifests' objects to the cluster, and watches who else does. The parts share what they know of each other's doing. */
export const makeApply = Effect.fn("makeApply")(function* ({
  scratchNamespace = "maxcloud-scratch",
  ...given
}: ApplyParts) {
  const { bind, request } = makeBinding(given.api)
  const parts = { ...given, api: { server: given.api.server, unreachableSince: given.api.unreachableSince, request } }
  const applied = yield* makeApplied
  const lookup = makeLookup(parts.api, parts.cache)
  const { apply, missing }: Applier = makeApplier({ ...parts, lookup, applied, bind })
  return {
    /** Does the cache tell of a service from before our last apply? */
    isBehind: (namespace: string, name: string): boolean => {
      const place = placeOf("service", namespace, name)
      const metadata = parts.cache.metadataOf("service", namespace, name)
      return metadata !== undefined && applied.isOld(place, metadata)
    },
    apply,
    missing,
    remove: makeRemover({ ...parts, lookup, applied }),
    dryRun: makeDryRun({ ...parts, lookup, scratchNamespace }),
    drift: makeDrift({ ...parts, lookup, applied })
  }
})
