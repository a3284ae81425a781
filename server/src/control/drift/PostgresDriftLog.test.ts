import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
import { AppName, productionStage } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { newOrganization, shop } from "../../../test/deployments/testServer.ts"
import { listDrift } from "../../../test/wholeLists.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { Drift } from "../../runtimes/port/Runtime.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { DriftLog } from "./DriftLog.ts"
import { layer } from "./PostgresDriftLog.ts"

const live = Layer.merge(layer, organizations).pipe(Layer.provideMerge(layerTest))

const withApp = Effect.gen(function* () {
  const sql = yield* SqlClient
  const organization = yield* newOrganization
  yield* sql`
    insert into app_stages (organization_id, app, stage) values (${organization.id}, ${shop}, ${productionStage})`
  return organization
})

const at = (seconds: number) => new Date(Date.now() + seconds * 1000)

const edited = (organization: Organization, name: string, rest: Partial<Drift> = {}, app = shop): Drift => ({
  key: {
    organizationId: organization.id,
    organization: organization.name,
    app,
    stage: productionStage,
    namespace: organization.name
  },
  object: { apiVersion: "serving.knative.dev/v1", kind: "Service", name },
  change: "edited",
  manager: "kubectl-edit",
  fields: ["spec.template.spec.containers[user-container].env[DEBUG]"],
  at: at(-10),
  ...rest
})

describeOn(live, { excludeTestServices: true })("DriftLog", (it) => {
  it.effect("lists changes and when they were corrected, newest first, including the namespace's own objects", () =>
    Effect.gen(function* () {
      const log = yield* DriftLog
      const organization = yield* withApp
      yield* log.record(edited(organization, "web"))
      yield* log.record(
        edited(organization, "default-deny", { change: "deleted", manager: null, fields: [], at: at(-5) })
      )
      yield* log.record(edited(organization, "other", {}, AppName.make("other")))
      yield* log.healed(organization.id, shop, productionStage, at(-7))

      const [deleted, edit, ...rest] = yield* listDrift(organization, shop, productionStage)
      expect(rest).toStrictEqual([])
      expect(edit).toMatchObject({
        app: shop,
        kind: "Service",
        name: "web",
        change: "edited",
        manager: "kubectl-edit",
        fields: ["spec.template.spec.containers[user-container].env[DEBUG]"]
      })
      expect(edit?.healedAt).not.toBeNull()
      expect(deleted).toMatchObject({
        app: shop,
        name: "default-deny",
        change: "deleted",
        manager: null,
        healedAt: null
      })
      yield* log.healed(organization.id, shop, productionStage, at(0))
      expect((yield* listDrift(organization, shop, productionStage)).every((each) => each.healedAt !== null)).toBe(true)
    })
  )

  it.effect("stores a change once if it is noticed again before it is corrected", () =>
    Effect.gen(function* () {
      const log = yield* DriftLog
      const organization = yield* withApp
      yield* log.record(edited(organization, "web"))
      yield* log.record(edited(organization, "web"))
      expect((yield* listDrift(organization, shop, productionStage)).length).toBe(1)
      yield* log.record(edited(organization, "web", { manager: "helm" }))
      yield* log.healed(organization.id, shop, productionStage, at(0))
      yield* log.record(edited(organization, "web"))
      expect((yield* listDrift(organization, shop, productionStage)).length).toBe(3)
    })
  )

  it.effect("keeps a repeated change open if it occurred after the pass had read the object", () =>
    Effect.gen(function* () {
      const log = yield* DriftLog
      const sql = yield* SqlClient
      const organization = yield* withApp
      const open = Effect.map(
        sql<{ id: string }>`
          select id::text as id from drift where organization_id = ${organization.id} and healed_at is null`,
        (rows) => rows.map((row) => Number(row.id))
      )
      yield* log.record(edited(organization, "web"))
      const [seen = 0] = yield* open
      yield* log.record(edited(organization, "web"))
      const [again = 0, ...rest] = yield* open
      expect(rest).toStrictEqual([])
      expect(again).toBeGreaterThan(seen)
    })
  )

  it.effect("leaves out changes to an organization of another installation", () =>
    Effect.gen(function* () {
      const log = yield* DriftLog
      const organization = yield* withApp
      const stranger = { ...organization, id: OrganizationId.make("org_00000000000000000000000000000000") }
      yield* log.record(edited(stranger, "web"))
      expect((yield* Effect.flip(listDrift(stranger, shop, productionStage)))._tag).toBe("NotFound")
    })
  )

  it.effect("shows nothing of another organization, and answers 404 for an unknown app", () =>
    Effect.gen(function* () {
      const log = yield* DriftLog
      const [first, second] = [yield* withApp, yield* withApp]
      yield* log.record(edited(first, "web"))
      expect(yield* listDrift(second, shop, productionStage)).toStrictEqual([])
      yield* log.healed(second.id, shop, productionStage, at(0))
      expect((yield* listDrift(first, shop, productionStage))[0]?.healedAt).toBeNull()
      const missing = yield* Effect.flip(listDrift(second, AppName.make("nothing"), productionStage))
      expect(missing._tag).toBe("NotFound")
    })
  )
})
