import type { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { AppName, OrganizationName, productionStage } from "@maxcloud/config-schema"
import { Effect, Layer, Stream } from "effect"
import type { Notifications } from "../../src/base/database/Notifications.ts"
import { layer as keys } from "../../src/base/keys/layer.ts"
import * as Shards from "../../src/base/replicas/Shards.ts"
import type { Organization } from "../../src/base/words/Organization.ts"
import { Deployments } from "../../src/control/deployments/Deployments.ts"
import * as DriftLog from "../../src/control/drift/PostgresDriftLog.ts"
import { layer, type ReconcilerOptions } from "../../src/control/services/controlLayer.ts"
import { Platform } from "../../src/runtimes/port/Platform.ts"
import type { Runtime } from "../../src/runtimes/port/Runtime.ts"
import type { Images } from "../../src/stores/images/Images.ts"
import { layerNone } from "../../src/stores/images/layerNone.ts"
import { layer as secrets } from "../../src/stores/secrets/SealedSecrets.ts"
import * as PostgresAudit from "../../src/tenancy/audit/PostgresAudit.ts"
import { unlimited } from "../../src/tenancy/limits/defaultQuotas.ts"
import * as Quotas from "../../src/tenancy/limits/PostgresQuotas.ts"
import { Organizations, layer as organizations } from "../../src/tenancy/organizations/Organizations.ts"
import { databaseTest, madeDataDir } from "../database/layerTest.ts"

/** Everything above the database, for tests. */
export const testServer = (
  runtime: Layer.Layer<Runtime>,
  dataDir: string,
  options: ReconcilerOptions = {},
  shards: Layer.Layer<Shards.Shards, SqlError, SqlClient | Notifications> = Shards.layerAll,
  platform: Partial<Platform["Type"]> = {},
  images: Layer.Layer<Images> = layerNone
) =>
  layer(options).pipe(
    Layer.provideMerge(
      Layer.mergeAll(
        secrets({ dataDir }),
        organizations,
        runtime,
        images,
        shards,
        DriftLog.layer,
        Quotas.layer(unlimited, dataDir),
        // Keep the getters, so that changes made by a test are visible.
        Layer.succeed(
          Platform,
          Object.defineProperties(
            {
              namespacePrefix: "",
              domain: "localhost",
              scheme: "http",
              port: 8080,
              podSecurity: "baseline",
              runtimeClass: undefined
            } satisfies Platform["Type"] as Platform["Type"],
            Object.getOwnPropertyDescriptors(platform)
          )
        )
      )
    ),
    Layer.provideMerge(Layer.provideMerge(PostgresAudit.layer(), keys({ dataDir })))
  )

/** The same on a database of its own. */
export const ownServer = (
  runtime: Layer.Layer<Runtime>,
  options: ReconcilerOptions = { resyncMs: 60_000 },
  ...rest: Parameters<typeof testServer> extends [unknown, unknown, unknown?, ...infer Rest] ? Rest : never
) =>
  Layer.unwrapScoped(
    Effect.map(madeDataDir, (dataDir) =>
      testServer(runtime, dataDir, options, ...rest).pipe(Layer.provideMerge(databaseTest({ dataDir })))
    )
  )

let made = 0

/** A separate organization: tests on one database don't see each other. */
export const newOrganization = Effect.flatMap(Organizations, (organizations) =>
  organizations.create(OrganizationName.make(`org-${++made}`))
)

export const shop = AppName.make("shop")

interface TestService {
  readonly name: string
  readonly image?: string
  readonly env?: Readonly<Record<string, unknown>>
  readonly links?: ReadonlyArray<string>
  readonly egress?: ReadonlyArray<string>
}

/** Deploys services to `production`; unspecified fields get ordinary values. */
export const deploy = (
  organization: Organization,
  services: ReadonlyArray<TestService>,
  rest: { readonly app?: AppName } = {}
) =>
  Effect.flatMap(Deployments, (deployments) =>
    deployments.accept({
      organization,
      app: rest.app ?? shop,
      stage: productionStage,
      from: {
        spec: { app: rest.app ?? shop, services: services.map((service) => ({ image: "ready:1", ...service })) }
      }
    })
  )

/** Every event of a deployment, until it has finished. */
export const eventsOf = (organization: Organization, id: Parameters<Deployments["Type"]["events"]>[1], after = 0) =>
  Deployments.pipe(
    Effect.flatMap((found) => found.events(organization, id, after)),
    Effect.flatMap(Stream.runCollect),
    Effect.map((found) => [...found])
  )

export const finished = (organization: Organization, deployment: { readonly id: Parameters<typeof eventsOf>[1] }) =>
  eventsOf(organization, deployment.id).pipe(
    Effect.zipRight(Deployments),
    Effect.flatMap((found) => found.get(organization, deployment.id))
  )
