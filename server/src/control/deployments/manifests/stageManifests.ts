import { SqlClient } from "@effect/sql/SqlClient"
import { parseAppSpecInTurns } from "@maxcloud/config-schema"
import type { Manifest, TenantContext } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { storableJson } from "../../../base/database/storable.ts"
import { type Platform, tenantOf } from "../../../runtimes/port/Platform.ts"
import { inTurns } from "../queue/turns.ts"
import type { Lease, WorkKey } from "../queue/WorkQueue.ts"
import { pinnedBy } from "../records/pinned.ts"
import type { StageRows } from "../stages/StageRows.ts"
import { currentPlatformKey, digestOf } from "./PlatformKey.ts"
import { contextFields, StageContext, stageContext } from "./stageContext.ts"
import { synthesis } from "./synthesis.ts"

/** The inputs of manifests besides the deployment, which never changes. `platform`: see `PlatformKey`. */
const Context = Schema.Struct({ ...StageContext.fields, platform: Schema.String })
type Context = typeof Context.Type

const decodeContext = Schema.decodeUnknownOption(Context)

export interface StageManifests {
  readonly namespace: ReadonlyArray<Manifest>
  readonly app: ReadonlyArray<Manifest>
  /** Digest of all of them. */
  readonly digest: string
  /** The platform that they are created for. */
  readonly platformKey: string
  /** Do they differ from the last applied ones? */
  readonly stale: boolean
}

const same = (kept: unknown, context: Context) =>
  Option.exists(decodeContext(kept), (found) => JSON.stringify(found) === JSON.stringify(context))

type Place = Pick<WorkKey, "organizationId" | "organization" | "app" | "stage">

/** Creates the app's manifests for a stored deployment. */
export const makeStored =
  (sql: SqlClient) => (platform: Platform["Type"], key: Place, id: string, context: StageContext) =>
    Effect.gen(function* () {
      const pinned = yield* Effect.provideService(pinnedBy(key.organizationId, id), SqlClient, sql)
      if (pinned === undefined) return yield* Effect.dieMessage(`The deployment ${id} doesn't exist`)
      const { externalSecrets, images, secretVersions } = pinned
      const spec = yield* Effect.orDieWith(
        yield* Effect.orDie(inTurns(() => parseAppSpecInTurns(pinned.spec))),
        (issues) =>
          new Error(`Couldn't read the stored spec of ${id}: ${issues.map((issue) => issue.message).join("; ")}`)
      )
      const tenant: TenantContext = tenantOf(key, platform, {
        secretVersions,
        externalSecrets,
        images,
        ...contextFields(context)
      })
      const { synthInTurns } = yield* synthesis
      return yield* Effect.orDie(inTurns(() => synthInTurns(spec, tenant)))
    })

/**
 * The manifests of a deployment, cached until their inputs change; and the inputs from the stage's rows, as text that changes
 * with them.
 */
export const makeStageManifests = ({ sql, write }: StageRows) =>
  Effect.map(currentPlatformKey, (current) => {
    const contextOf = (lease: Lease, platform: string) =>
      Effect.map(
        Effect.provideService(stageContext(lease.key), SqlClient, sql),
        (context): Context => ({ ...context, platform })
      )

    const made = makeStored(sql)

    const manifestsOf = (lease: Lease, id: string) =>
      Effect.gen(function* () {
        const { key: platformKey, settings: platform } = yield* current
        const context = yield* contextOf(lease, platformKey)
        const { synthNamespace } = yield* synthesis
        const namespace = synthNamespace(tenantOf(lease.key, platform, { pullSecret: context.pullSecret }))
        const kept = yield* sql<{ manifests: ReadonlyArray<Manifest>; context: unknown; applied: string | null }>`
          select manifests, context, applied from deployment_manifests
          where organization_id = ${lease.key.organizationId} and deployment_id = ${id}`
        if (kept[0] !== undefined && same(kept[0].context, context)) {
          const digest = digestOf([namespace, kept[0].manifests])
          return {
            namespace,
            app: kept[0].manifests,
            digest,
            platformKey,
            stale: kept[0].applied !== digest
          } satisfies StageManifests
        }
        const app = yield* made(platform, lease.key, id, context)
        yield* write(
          lease,
          sql`
            insert into deployment_manifests (organization_id, deployment_id, manifests, context)
            values (${lease.key.organizationId}, ${id}, ${storableJson(app)}::json, ${storableJson(context)}::jsonb)
            on conflict (organization_id, deployment_id) do update
            set manifests = excluded.manifests, context = excluded.context`
        )
        const digest = digestOf([namespace, app])
        return { namespace, app, digest, platformKey, stale: kept[0]?.applied !== digest } satisfies StageManifests
      })

    return {
      manifestsOf,
      contextOf: (lease: Lease) => Effect.map(contextOf(lease, ""), (context) => JSON.stringify(context))
    }
  })

export type ManifestsOf = Effect.Effect.Success<ReturnType<typeof makeStageManifests>>["manifestsOf"]
