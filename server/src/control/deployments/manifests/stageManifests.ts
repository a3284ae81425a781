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

/** Manifests as they are stored. `applied`: digest of those applied last, with the namespace's. */
interface Kept {
  readonly manifests: ReadonlyArray<Manifest>
  readonly context: unknown
  readonly applied: string | null
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

    const kept = (lease: Lease, id: string) =>
      sql<Kept>`
        select manifests, context, applied from deployment_manifests
        where organization_id = ${lease.key.organizationId} and deployment_id = ${id}`

    /**
     * Takes over the manifests of the deployment before, if nothing that they depend on has changed: creating and storing those
     * of a large app costs more than the rest of an unchanged deployment. The earlier one is never applied again.
     */
    const inherited = (lease: Lease, id: string, context: Context) =>
      write(
        lease,
        sql<Kept>`
          update deployment_manifests m set deployment_id = ${id}
          from deployments now
          join deployments before on before.organization_id = now.organization_id and before.app = now.app
            and before.stage = now.stage and before.number = now.number - 1
          where now.organization_id = ${lease.key.organizationId} and now.id = ${id}
            and m.organization_id = before.organization_id and m.deployment_id = before.id
            and before.finished_at is not null and before.spec::text = now.spec::text and before.images = now.images
            and before.secret_versions = now.secret_versions
            and before.external_secrets is not distinct from now.external_secrets
            and m.context = ${storableJson(context)}::jsonb
          returning m.manifests, m.context, m.applied`
      )

    const keep = (lease: Lease, id: string, context: Context, app: ReadonlyArray<Manifest>) =>
      write(
        lease,
        sql`
          insert into deployment_manifests (organization_id, deployment_id, manifests, context)
          values (${lease.key.organizationId}, ${id}, ${storableJson(app)}::json, ${storableJson(context)}::jsonb)
          on conflict (organization_id, deployment_id) do update
          set manifests = excluded.manifests, context = excluded.context`
      )

    const manifestsOf = (lease: Lease, id: string) =>
      Effect.gen(function* () {
        const { key: platformKey, settings: platform } = yield* current
        const context = yield* contextOf(lease, platformKey)
        const { synthNamespace } = yield* synthesis
        const namespace = synthNamespace(tenantOf(lease.key, platform, { pullSecret: context.pullSecret }))
        const result = (app: ReadonlyArray<Manifest>, applied: string | null | undefined): StageManifests => {
          const digest = digestOf([namespace, app])
          return { namespace, app, digest, platformKey, stale: applied !== digest }
        }
        const [known] = yield* kept(lease, id)
        const [found] = known === undefined ? yield* inherited(lease, id, context) : [known]
        if (found !== undefined && same(found.context, context)) return result(found.manifests, found.applied)
        const app = yield* made(platform, lease.key, id, context)
        yield* keep(lease, id, context, app)
        return result(app, found?.applied)
      })

    return {
      manifestsOf,
      contextOf: (lease: Lease) => Effect.map(contextOf(lease, ""), (context) => JSON.stringify(context))
    }
  })

export type ManifestsOf = Effect.Effect.Success<ReturnType<typeof makeStageManifests>>["manifestsOf"]
