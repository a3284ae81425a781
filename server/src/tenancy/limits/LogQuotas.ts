import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Effect, FiberMap, Layer } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { Quotas } from "./Quotas.ts"

const freshMs = 60_000

/**
 * Bytes of log lines that an organization may keep, for their writers: answers at once, with a value at most a minute
 * old while lines are written. null: no limit, or not known yet; a quota that couldn't be read removes nothing.
 */
export class LogQuotas extends Context.Tag("@maxcloud/server/LogQuotas")<
  LogQuotas,
  (organizationId: OrganizationId) => number | null
>() {}

export const layer = Layer.scoped(
  LogQuotas,
  Effect.gen(function* () {
    const quotas = yield* Quotas
    const fork = yield* Effect.flatMap(FiberMap.make<OrganizationId>(), (found) => FiberMap.runtime(found)<never>())
    const known = new Map<OrganizationId, { readonly bytes: number | null; readonly at: number }>()
    return (organizationId: OrganizationId) => {
      const last = known.get(organizationId)
      const now = performance.now()
      if (last === undefined || now - last.at >= freshMs) {
        // At once, so that one read serves all lines that come meanwhile.
        known.set(organizationId, { bytes: last?.bytes ?? null, at: now })
        const read = quotas.of(organizationId).pipe(
          Effect.tap(({ logBytes: bytes }) =>
            Effect.sync(() => known.set(organizationId, { bytes, at: performance.now() }))
          ),
          Effect.catchAll((cause) => Effect.logWarning("Couldn't read the quota of log lines.", cause)),
          asServer
        )
        fork(organizationId, read)
      }
      return known.get(organizationId)?.bytes ?? null
    }
  })
)
