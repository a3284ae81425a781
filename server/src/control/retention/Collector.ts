import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { asOrganization, asServer } from "../../base/database/RowScope.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { Shards } from "../../base/replicas/Shards.ts"
import { collectDeployments } from "./collectDeployments.ts"
import { collectSources } from "./collectSources.ts"
import { Retention } from "./Retention.ts"

export interface CollectorOptions {
  readonly dataDir: string
  /** How long after the start it begins, to keep the start fast. @default 1 minute */
  readonly afterMs?: number
  /** @default 1 hour */
  readonly everyMs?: number
}

/** An upload that no deployment names after this time belongs to a plan that was never approved, or to a deleted deployment. */
const unnamedSourceDays = 7

const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: OrganizationId })))

/**
 * Garbage-collects according to `Retention`. A replica collects the deployments of the organizations it looks after (`Shards`);
 * it's harmless if two do so at once. Sources are on the disks of all replicas: each collects its own.
 */
export const layer = ({ afterMs = 60_000, dataDir, everyMs = 3_600_000 }: CollectorOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const { days } = yield* Retention
      const sql = yield* SqlClient
      const shards = yield* Shards

      const collect = (id: OrganizationId) =>
        Effect.gen(function* () {
          const { deployments } =
            days !== undefined && shards.owns(id) ? yield* collectDeployments(id, days) : { deployments: 0 }
          const sources = yield* collectSources(dataDir, id, unnamedSourceDays)
          if (deployments + sources > 0) {
            yield* Effect.logInfo("Collected old deployments", { organization: id, deployments, sources })
          }
        }).pipe(
          Effect.catchAll((error) => Effect.logWarning(`Couldn't collect old deployments of ${id}`, error)),
          Effect.catchAllDefect((defect) => Effect.logError(`Couldn't collect old deployments of ${id}`, defect)),
          asOrganization(id)
        )

      const all = sql`select id from organizations order by id`.pipe(
        asServer,
        Effect.flatMap((rows) => Effect.forEach(decodeIds(rows), (decodeId) => collect(decodeId.id), { discard: true }))
      )
      yield* keepDoing("collection of old deployments", { every: everyMs, after: afterMs }, all)
    }).pipe(Effect.withSpan("Collector"))
  )
