import { parseAppSpecInTurns, SecretName, ServiceName } from "@maxcloud/config-schema"
import type { Manifest, TenantContext } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { StoredImages } from "../images/storedImages.ts"
import { tenantOf } from "./inspectSpec.ts"
import { Platform } from "./Platform.ts"
import type { StageRows } from "./StageRows.ts"
import { inTurns } from "./turns.ts"
import type { Lease } from "./WorkQueue.ts"

/** Loaded with the first deployment: cdk8s costs 13 MB and a tenth of a second, which a server at rest can do without. */
export const synthesis = Effect.promise(() => import("@maxcloud/synth"))

/** What manifests are made from besides the deployment, which never changes. */
const Context = Schema.Struct({ paused: Schema.Array(ServiceName), pullSecret: Schema.Boolean })
type Context = typeof Context.Type

const decodeContexts = Schema.decodeUnknownSync(Schema.Array(Context))
const decodeContext = Schema.decodeUnknownOption(Context)
const decodeImages = Schema.decodeUnknownSync(StoredImages)
const decodeExternal = Schema.decodeUnknownSync(
  Schema.NullOr(Schema.Struct({ store: Schema.String, key: Schema.String }))
)
const decodeVersions = Schema.decodeUnknownSync(Schema.Record({ key: SecretName, value: Schema.Int }))

export interface StageManifests {
  readonly namespace: ReadonlyArray<Manifest>
  readonly app: ReadonlyArray<Manifest>
  /** Were they made anew? Then they differ from what was applied last. */
  readonly fresh: boolean
}

const same = (kept: unknown, context: Context) =>
  Option.exists(decodeContext(kept), (_) => JSON.stringify(_) === JSON.stringify(context))

/** The manifests of a deployment, kept until what they are made from changes. */
export const makeStageManifests = ({ inStage, sql, write }: StageRows) =>
  Effect.map(Platform, (platform) => {
    const contextOf = (lease: Lease) =>
      sql`
        select
          (select coalesce(json_agg(name order by name), '[]') from services where ${inStage(lease)} and paused) as paused,
          exists (select 1 from registry_credentials where organization_id = ${lease.key.organizationId})
            as "pullSecret"`.pipe(
        Effect.map((rows): Context => decodeContexts(rows)[0] ?? { paused: [], pullSecret: false })
      )

    const made = (lease: Lease, id: string, { paused, pullSecret }: Context) =>
      Effect.gen(function* () {
        const rows = yield* sql<{
          spec: unknown
          secret_versions: unknown
          external_secrets: unknown
          images: unknown
        }>`
          select spec, secret_versions, external_secrets, images from deployments
          where organization_id = ${lease.key.organizationId} and id = ${id}`
        const spec = yield* Effect.orDieWith(
          yield* Effect.orDie(inTurns(() => parseAppSpecInTurns(rows[0]?.spec))),
          (issues) => new Error(`the stored spec of ${id} cannot be read: ${issues.map((_) => _.message).join("; ")}`)
        )
        const versions = decodeVersions(rows[0]?.secret_versions)
        const tenant: TenantContext = tenantOf(lease.key, platform, {
          secretVersions: new Map(
            Object.entries(versions).map(([name, version]) => [SecretName.make(name), version] as const)
          ),
          externalSecrets: decodeExternal(rows[0]?.external_secrets) ?? undefined,
          images: decodeImages(rows[0]?.images),
          pausedServices: new Set(paused),
          pullSecret
        })
        const { synthInTurns } = yield* synthesis
        return yield* Effect.orDie(inTurns(() => synthInTurns(spec, tenant)))
      })

    return (lease: Lease, id: string) =>
      Effect.gen(function* () {
        const context = yield* contextOf(lease)
        const { synthNamespace } = yield* synthesis
        const namespace = synthNamespace(tenantOf(lease.key, platform, { pullSecret: context.pullSecret }))
        const kept = yield* sql<{ manifests: ReadonlyArray<Manifest>; context: unknown }>`
          select manifests, context from deployment_manifests
          where organization_id = ${lease.key.organizationId} and deployment_id = ${id}`
        if (kept[0] !== undefined && same(kept[0].context, context)) {
          return { namespace, app: kept[0].manifests, fresh: false } satisfies StageManifests
        }
        const app = yield* made(lease, id, context)
        yield* write(
          lease,
          sql`
            insert into deployment_manifests (organization_id, deployment_id, manifests, context)
            values (${lease.key.organizationId}, ${id}, ${JSON.stringify(app)}::json, ${JSON.stringify(context)}::jsonb)
            on conflict (organization_id, deployment_id) do update
            set manifests = excluded.manifests, context = excluded.context`
        )
        return { namespace, app, fresh: kept[0] !== undefined } satisfies StageManifests
      })
  })

export type ManifestsOf = Effect.Effect.Success<ReturnType<typeof makeStageManifests>>
