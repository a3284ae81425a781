import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { Effect } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { finished, newOrganization, ownServer } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import { RowScope } from "../../../base/database/RowScope.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Deployments } from "../Deployments.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(ownServer(fake.layer))

const production = StageName.make("production")
const dev = StageName.make("dev")

interface App {
  readonly services?: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly exports?: unknown
  readonly outputs?: unknown
}

const target = (organization: Organization, app: string, given: App, stage: StageName) => ({
  organization,
  app: AppName.make(app),
  stage,
  spec: { app, ...given, services: (given.services ?? []).map((each) => ({ image: "ready:1", ...each })) }
})
const accept = (organization: Organization, app: string, given: App, stage = production) =>
  Effect.flatMap(Deployments, (found) => {
    const { spec, ...to } = target(organization, app, given, stage)
    return found.accept({ ...to, from: { spec } })
  })
const plan = (organization: Organization, app: string, given: App, stage = production) =>
  Effect.map(
    Effect.flatMap(Deployments, (found) => found.plan(target(organization, app, given, stage))),
    ({ problems }) => problems.map(({ detail, pointer }) => `${pointer}: ${detail}`)
  )

const api = { name: "api", visibility: "internal" }
const billing: App = { services: [api], exports: { api: { to: ["shop"] } } }
const calling = (rest: object = {}) => ({ external: "billing/api", property: "url", ...rest })
const shop = (value: unknown = calling()): App => ({ services: [{ name: "web", env: { BILLING: value } }] })

describe("links to other apps", () => {
  test(
    "are refused with their place until the other app is deployed, has the service and exports it",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const problem = Effect.map(plan(org, "shop", shop()), (problems) => problems.join("\n"))
      expect(yield* problem).toBe(
        `/spec/services/0/env/BILLING: The app "billing" isn't deployed. Deploy it first, or correct its name.`
      )
      yield* accept(org, "billing", billing, dev)
      expect(yield* problem).toContain(`isn't deployed to the stage "production". It has "dev"`)
      yield* accept(org, "billing", { services: [{ name: "apis" }] })
      expect(yield* problem).toContain(`has no service "api". Did you mean "apis"?`)
      yield* accept(org, "billing", { services: [api] })
      expect(yield* problem).toContain(
        `doesn't export "api" to "shop". Add it to the config of "billing" and deploy that first: exports: { api: { to: ["shop"] } }.`
      )
      yield* accept(org, "billing", { services: [api], exports: { api: { to: ["search"] } } })
      expect(yield* problem).toContain(
        `doesn't export "api" to "shop", only to "search". Add it to the config of "billing" and deploy that first: exports: { api: { to: ["search", "shop"] } }.`
      )
      yield* accept(org, "billing", { services: [api], exports: { api: { to: ["shopp"] } } })
      expect(yield* problem).toContain(
        `only to "shopp". In the config of "billing", replace "shopp" if it's a misspelling, or else add "shop". Deploy that first.`
      )
      expect((yield* plan(org, "shop", shop({ external: "biling/api", property: "url" }))).join()).toContain(
        `The app "biling" isn't deployed. Did you mean "billing"? If not, deploy it first.`
      )
      const refused = yield* Effect.flip(accept(org, "shop", shop()))
      expect(refused).toMatchObject({ _tag: "InvalidSpec", errors: [{ pointer: "/spec/services/0/env/BILLING" }] })
      yield* accept(org, "billing", billing)
      expect(yield* problem).toBe("")
      expect(yield* plan(org, "shop", shop(calling({ property: "publicUrl" })))).toEqual([
        `/spec/services/0/env/BILLING: "api" of "billing" is internal and has no public URL. Use its \`url\`.`
      ])
      yield* accept(org, "shop", shop())
    })
  )

  test(
    "lead to the same stage, or to the one they name",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* accept(org, "billing", billing)
      expect((yield* plan(org, "shop", shop(), dev)).join()).toContain(`isn't deployed to the stage "dev"`)
      expect(yield* plan(org, "shop", shop(calling({ stage: "production" })), dev)).toEqual([])
    })
  )

  test(
    "never reach an app of another organization",
    Effect.gen(function* () {
      yield* accept(yield* newOrganization, "billing", billing)
      expect((yield* plan(yield* newOrganization, "shop", shop())).join()).toContain(`"billing" isn't deployed`)
    })
  )

  test(
    "keep the other app from removing the export, the service or itself, and let it go once they are gone",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const deployments = yield* Deployments
      yield* finished(org, yield* accept(org, "billing", billing))
      yield* accept(org, "shop", shop())
      const withoutExport = { services: [api] }
      expect(yield* plan(org, "billing", withoutExport)).toEqual([
        `/spec/exports: The export of "api" to "shop" can't be removed: "web" of "shop" (production) uses it. Deploy "shop" without external("billing", "api") first, or keep it.`
      ])
      expect((yield* plan(org, "billing", { services: [{ name: "other" }] })).join()).toContain(
        `The service "api" can't be removed: "web" of "shop" (production) uses it.`
      )
      expect(yield* Effect.flip(accept(org, "billing", withoutExport))).toMatchObject({ _tag: "InvalidSpec" })
      expect(yield* Effect.flip(deployments.destroy(org, AppName.make("billing"), production))).toMatchObject({
        _tag: "Conflict",
        detail: expect.stringContaining(`"web" of "shop" (production) uses it`)
      })
      const [service] = yield* listServices(org, { app: AppName.make("billing") })
      if (service === undefined) throw new Error("billing has no service")
      expect(yield* Effect.flip(deployments.deleteService(org, service.id))).toMatchObject({ _tag: "InvalidSpec" })

      yield* accept(org, "shop", { services: [{ name: "web" }] })
      expect(yield* plan(org, "billing", withoutExport)).toEqual([])
      yield* deployments.destroy(org, AppName.make("billing"), production)
    })
  )

  test(
    "don't return with an earlier deployment once they are no longer allowed",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const deployments = yield* Deployments
      yield* accept(org, "billing", billing)
      yield* accept(org, "shop", shop())
      yield* accept(org, "shop", { services: [{ name: "web" }] })
      yield* accept(org, "billing", { services: [api] })
      const back = { organization: org, app: AppName.make("shop"), stage: production, from: { deployment: 1 } }
      expect(yield* Effect.flip(deployments.accept(back))).toMatchObject({
        _tag: "InvalidSpec",
        detail: expect.stringContaining(`doesn't export "api" to "shop"`)
      })
    })
  )

  test(
    "are rows that only their organization sees",
    Effect.gen(function* () {
      const [one, other] = [yield* newOrganization, yield* newOrganization]
      const sql = yield* SqlClient
      yield* accept(one, "billing", billing)
      yield* accept(one, "shop", shop())
      const seenBy = ({ id }: Organization) => Effect.provideService(sql`select to_app from app_links`, RowScope, id)
      expect(yield* seenBy(one)).toEqual([{ to_app: "billing" }])
      expect(yield* seenBy(other)).toEqual([])
    })
  )
})

describe("outputs", () => {
  test(
    "come from the newest successful deployment, with public URLs filled in",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const deployments = yield* Deployments
      const read = deployments.outputs(org, AppName.make("shop"), production)
      expect(yield* Effect.flip(read)).toMatchObject({ _tag: "NotFound" })
      const outputs = {
        url: { service: "web", property: "publicUrl" },
        health: { join: [{ service: "web", property: "publicUrl" }, "/healthz"] },
        version: "1"
      }
      yield* finished(org, yield* accept(org, "shop", { services: [{ name: "web" }], outputs }))
      const found = yield* read
      expect(found).toMatchObject({ version: "1", health: `${found["url"]}/healthz` })
      expect(found["url"]).toMatch(/^http:\/\/.*web.*localhost:8080$|^http:\/\/shop--.*localhost:8080$/)
    })
  )
})
