import type { SqlError } from "@effect/sql/SqlError"
import { type ObjectRef, refOf } from "@maxcloud/synth"
import { Effect } from "effect"
import { Runtime } from "../runtime/Runtime.ts"
import type { Progress } from "./progress.ts"
import { refsWithout } from "./refs.ts"
import type { Begun, StageRows } from "./StageRows.ts"
import type { ManifestsOf } from "./stageManifests.ts"
import type { Lease } from "./WorkQueue.ts"

interface PruneParts {
  readonly rows: StageRows
  readonly manifestsOf: ManifestsOf
  readonly finish: (
    lease: Lease,
    id: string,
    state: "succeeded",
    reason: string,
    message: string
  ) => Effect.Effect<void, SqlError>
}

const told = (count: number) =>
  `${count} ${count === 1 ? "object" : "objects"} that the app no longer has ${count === 1 ? "is" : "are"} removed.`

/**
 * Removes what a deployment does not want any more, by the inventory, and with that finishes it. False where a newer deployment
 * came meanwhile, which may want again what this one does not: then nothing goes.
 */
export const makePrune =
  ({ finish, manifestsOf, rows: { events, inStage, namespaceKeyOf, setInventory, sql, write } }: PruneParts) =>
  (lease: Lease, { id, number }: Begun, services: ReadonlyArray<Progress>) =>
    Effect.gen(function* () {
      const runtime = yield* Runtime
      const wanted = (yield* manifestsOf(lease, id)).app.map(refOf)
      const kept = services.flatMap((_) => (_.action === "delete" ? [] : [_.name]))
      const unwanted =
        kept.length === 0 ? sql`${inStage(lease)}` : sql`${inStage(lease)} and name not in ${sql.in(kept)}`
      const marked = yield* write(
        lease,
        Effect.gen(function* () {
          const newer = yield* sql`select 1 from app_stages where ${inStage(lease)} and last_number > ${number}`
          if (newer.length > 0) return undefined
          yield* sql`update services set deleting = true where ${unwanted}`
          const rows = yield* sql<{ inventory: ReadonlyArray<ObjectRef> }>`
            select inventory from app_stages where ${inStage(lease)}`
          return refsWithout(rows[0]?.inventory ?? [], wanted)
        })
      )
      if (marked === undefined) return false
      if (marked.length > 0) yield* runtime.remove(namespaceKeyOf(lease), marked)
      yield* write(
        lease,
        Effect.gen(function* () {
          const gone = yield* sql<{ name: string }>`
            delete from services where ${unwanted} and deleting returning name`
          yield* sql`
            update deployment_services set state = 'deleted', reason = 'Deleted', message = ''
            where organization_id = ${lease.key.organizationId} and deployment_id = ${id} and action = 'delete'`
          yield* setInventory(lease, wanted)
          if (marked.length > 0) {
            yield* events(lease, id, [
              ...gone.map((_) => ({ type: "service" as const, service: _.name, reason: "Deleted", message: "" })),
              { type: "pruned", reason: "Pruned", message: told(marked.length) }
            ])
          }
          yield* finish(lease, id, "succeeded", "Succeeded", `Deployment ${number} is carried out.`)
        })
      )
      return true
    })
