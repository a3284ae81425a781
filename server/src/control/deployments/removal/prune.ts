import { refOf } from "@maxcloud/synth"
import { Effect } from "effect"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import type { ManifestsOf } from "../manifests/stageManifests.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import type { StageRows } from "../stages/StageRows.ts"
import type { Begun } from "../stages/stageBase.ts"
import { refsWithout } from "./refs.ts"
import { prunedText } from "./removeServices.ts"

/**
 * Removes objects in the inventory that a deployment's services no longer use. Waits until all of them are ready, because an
 * earlier revision reads its own Secret. Returns false and removes nothing if a newer deployment arrived meanwhile, which may
 * want the objects again.
 */
export const prune = (rows: StageRows, manifestsOf: ManifestsOf, lease: Lease, { id, number }: Begun) =>
  Effect.gen(function* () {
    const { events, inStage, namespaceKeyOf, setInventory, sql, write } = rows
    const runtime = yield* Runtime
    const wanted = (yield* manifestsOf(lease, id)).app.map(refOf)
    const [row] = yield* write(
      lease,
      sql<{ inventory: typeof wanted }>`
          select inventory from app_stages where ${inStage(lease)} and last_number = ${number}`
    )
    if (row === undefined) return false
    const stale = refsWithout(row.inventory, wanted)
    if (stale.length > 0) yield* runtime.remove(namespaceKeyOf(lease), stale)
    yield* write(
      lease,
      Effect.gen(function* () {
        yield* setInventory(lease, wanted)
        if (stale.length > 0) {
          yield* events(lease, id, [{ type: "pruned", reason: "Pruned", message: prunedText(stale.length) }])
        }
      })
    )
    return true
  })
