import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { CreateService, PolicyName } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import fc from "fast-check"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import { layerAll } from "../../../base/replicas/Shards.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { Policies } from "../../../tenancy/policies/Policies.ts"
import * as PostgresPolicies from "../../../tenancy/policies/PostgresPolicies.ts"
import { policyLimits } from "../../../tenancy/policies/policyLimits.ts"
import { policiesStamp } from "../../../tenancy/policies/policyRows.ts"
import { Deployments } from "../Deployments.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { run, test } = runtimeTests(
  Layer.unwrapScoped(
    Effect.map(madeDataDir, (dataDir) =>
      PostgresPolicies.layer.pipe(
        Layer.provideMerge(testServer(fake.layer, dataDir, { resyncMs: 60_000 }, layerAll)),
        Layer.provideMerge(databaseTest({ dataDir }))
      )
    )
  )
)

const target = (organization: Organization, app = "shop") => ({
  organization,
  app: AppName.make(app),
  stage: StageName.make("production")
})
const specOf = (rest: object = {}, app = "shop") => ({ app, services: [{ name: "web", image: "ready:1", ...rest }] })
const accept = (organization: Organization, spec: ReturnType<typeof specOf>, metadata = {}) =>
  Effect.flatMap(Deployments, (found) => found.accept({ ...target(organization, spec.app), from: { spec }, metadata }))
const plan = (organization: Organization, spec: ReturnType<typeof specOf>, metadata = {}) =>
  Effect.flatMap(Deployments, (found) => found.plan({ ...target(organization, spec.app), spec, metadata }))
const set = (organization: Organization, name: string, expression: string, rest: object = {}) =>
  Effect.flatMap(Policies, (found) =>
    found.set(organization.id, PolicyName.make(name), { expression, enforcement: "refuse", ...rest })
  )

describe("policies of an organization", () => {
  test(
    "refuse in plan and deploy with the same message at the same place, and in no other organization",
    Effect.gen(function* () {
      const [org, other] = [yield* newOrganization, yield* newOrganization]
      yield* set(org, "small", "service.memoryBytes <= 1073741824", { message: "Use 1Gi or less." })
      const large = specOf({ memory: "2Gi" })
      const { problems } = yield* plan(org, large)
      const message = 'Policy "small" of the organization: Use 1Gi or less.'
      expect(problems).toEqual([{ pointer: "/spec/services/0/memory", code: "policy", detail: message }])
      expect(yield* Effect.flip(accept(org, large))).toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ pointer: "/spec/services/0/memory", code: "policy", detail: message }]
      })
      expect((yield* plan(other, large)).problems).toEqual([])
      yield* accept(other, large)
      yield* accept(org, specOf())
      yield* Effect.flatMap(Policies, (found) => found.remove(org.id, PolicyName.make("small")))
      yield* accept(org, large)
    })
  )

  test(
    "apply to every way to deploy an app, and to none that removes one",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const deployments = yield* Deployments
      const create = (name: string) =>
        deployments.createService(
          org,
          Schema.decodeUnknownSync(CreateService)({ name, image: "ready:1", env: { DEBUG: "1" } })
        )
      yield* create("first")
      yield* set(org, "no-debug", "service.env.all(name, name != 'DEBUG')")
      yield* set(org, "two", "services.size() >= 2")
      expect(yield* Effect.flip(create("second"))).toMatchObject({
        _tag: "InvalidSpec",
        errors: [{ pointer: "/env", code: "policy" }, { code: "policy" }]
      })
      const [service] = yield* listServices(org)
      if (service === undefined) throw new Error("it is there")
      yield* deployments.deleteService(org, service.id)
      yield* Policies.pipe(Effect.flatMap((found) => found.remove(org.id, PolicyName.make("no-debug"))))
      yield* Policies.pipe(Effect.flatMap((found) => found.remove(org.id, PolicyName.make("two"))))
      yield* accept(org, specOf())
      yield* set(org, "never", "false")
      yield* deployments.destroy(org, AppName.make("shop"), StageName.make("production"))
    })
  )

  test(
    "let a rollback pass, with a warning and an audit entry",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const sql = yield* SqlClient
      yield* accept(org, specOf({ image: "ready:latest" }))
      yield* accept(org, specOf())
      yield* set(org, "no-latest", "service.tag != 'latest'")
      const back = yield* Effect.flatMap(Deployments, (found) =>
        found.accept({ ...target(org), from: { deployment: 1 } })
      )
      expect(back.kind).toBe("rollback")
      expect(back.warnings).toMatchObject([
        { pointer: "/spec/services/0/image", code: "policy", detail: expect.stringContaining('Policy "no-latest"') }
      ])
      const passed = yield* sql`
        select 1 from audit_entries where organization_id = ${org.id} and action = 'policies.pass'`
      expect(passed).toHaveLength(1)
    })
  )

  test(
    "only warn if configured to, and refuse if they can't be evaluated",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* set(org, "soft", "service.tag == '2'", { enforcement: "warn" })
      const { problems, warnings } = yield* plan(org, specOf())
      expect([problems, warnings.map(({ detail }) => detail)]).toEqual([
        [],
        [`Policy "soft" of the organization: This must be true, but isn't: service.tag == '2'`]
      ])
      expect((yield* accept(org, specOf())).warnings).toHaveLength(1)
      yield* set(org, "branch", "metadata.branch == 'main'")
      const [fault] = (yield* plan(org, specOf())).problems
      expect(fault?.detail).toMatch(/The organization's policy "branch" can't be checked: field not found: branch\./)
      yield* Effect.flip(accept(org, specOf()))
      yield* Effect.flip(accept(org, specOf(), { branch: "feature" }))
      expect((yield* plan(org, specOf(), { branch: "main" })).problems).toEqual([])
      yield* accept(org, specOf(), { branch: "main" })
    })
  )

  test(
    "are tried on deployed apps when they are set, and on an app that isn't deployed",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const deployments = yield* Deployments
      yield* accept(org, specOf())
      yield* accept(org, specOf({ image: "ready:latest" }, "other"))
      yield* deployments.accept({ ...target(org, "gone"), from: { spec: specOf({ image: "ready:latest" }, "gone") } })
      yield* deployments.destroy(org, AppName.make("gone"), StageName.make("production"))
      const policy = { name: "no-latest", expression: "service.tag != 'latest'", enforcement: "refuse" } as const
      expect(yield* deployments.tryPolicy(org, policy)).toEqual({
        tried: 2,
        breaches: [{ app: "other", stage: "production", detail: expect.stringMatching(/^web: Policy "no-latest"/) }]
      })
      const spec = specOf({ image: "ready:latest" })
      const trial = (expression: string) =>
        deployments.testPolicy(org, { expression, spec, stage: StageName.make("dev") })
      expect((yield* trial("stage == 'dev'")).findings).toEqual([])
      expect((yield* trial("service.tag != 'latest'")).findings).toMatchObject([
        {
          pointer: "/spec/services/0/image",
          code: "policy",
          detail: "This must be true, but isn't: service.tag != 'latest'"
        }
      ])
      expect((yield* trial("service.labels.team == 'a'")).findings).toMatchObject([
        { detail: "The expression can't be checked: field not found: team." }
      ])
      expect(yield* Effect.flip(trial("service."))).toMatchObject({
        _tag: "InvalidRequest",
        errors: [{ pointer: "/expression" }]
      })
    })
  )

  test(
    "are few, and valid",
    Effect.gen(function* () {
      const org = yield* newOrganization
      expect(yield* Effect.flip(set(org, "bad", "service.name.replace('a', 'b') == ''"))).toMatchObject({
        _tag: "InvalidRequest",
        errors: [{ pointer: "/expression", detail: expect.stringContaining('Unknown function "replace"') }]
      })
      for (let index = 0; index < policyLimits.policies; index++) yield* set(org, `p${index}`, "true")
      expect((yield* Effect.flip(set(org, "more", "true")))._tag).toBe("Conflict")
      yield* set(org, "p0", "1 == 1")
      const policies = yield* Policies
      expect((yield* policies.get(org.id, PolicyName.make("p0"))).expression).toBe("1 == 1")
      expect((yield* Effect.flip(policies.get(org.id, PolicyName.make("no"))))._tag).toBe("NotFound")
      expect((yield* Effect.flip(policies.remove(org.id, PolicyName.make("no"))))._tag).toBe("NotFound")
      const first = yield* policies.page(org.id, { limit: 20, sort: "name", cursor: undefined })
      const rest = yield* policies.page(org.id, { limit: 20, sort: "name", cursor: first.next ?? undefined })
      expect([first.items.length, rest.items.length, rest.next]).toEqual([20, 10, null])
    })
  )

  test(
    "change a stamp with each change, so that a deployment notices that other policies checked it",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const stamps = [yield* policiesStamp(org.id)]
      yield* set(org, "a", "true")
      stamps.push(yield* policiesStamp(org.id))
      yield* set(org, "a", "false")
      stamps.push(yield* policiesStamp(org.id))
      yield* set(org, "b", "true")
      stamps.push(yield* policiesStamp(org.id))
      yield* Effect.flatMap(Policies, (found) => found.remove(org.id, PolicyName.make("b")))
      expect(new Set(stamps).size).toBe(4)
      expect(yield* policiesStamp(org.id)).toBe(stamps[2])
    })
  )

  it("apply from the moment they are set: no violating app is accepted afterwards", async () => {
    const org = await run(newOrganization)
    const once = async (index: number) => {
      const deploy = run(Effect.either(accept(org, specOf({ memory: "2Gi" }, `app${index}`))))
      const change = run(set(org, "small", "service.memoryBytes <= 1073741824"))
      const [deployed] = await Promise.all([deploy, change])
      const after = await run(Effect.either(accept(org, specOf({ memory: "2Gi" }, `late${index}`))))
      expect(after._tag).toBe("Left")
      await run(Effect.flatMap(Policies, (found) => found.remove(org.id, PolicyName.make("small"))))
      return deployed._tag
    }
    for (let index = 0; index < 8; index++) await once(index)
  })

  it("give plan and deploy the same verdict, whatever the policies and the app", async () => {
    const org = await run(newOrganization)
    const expression = fc.constantFrom(
      "service.memoryBytes <= 1073741824",
      "service.tag != 'latest'",
      "service.labels.team == 'a'",
      "services.size() > 1 || stage != 'production'",
      "metadata.branch == 'main'",
      "service.labels.nothing == 'a'"
    )
    const service = fc.record({
      memory: fc.constantFrom("512Mi", "2Gi"),
      image: fc.constantFrom("ready:1", "ready:latest"),
      labels: fc.constantFrom({}, { team: "a" }, { team: "b" })
    })
    const metadata = fc.constantFrom({}, { branch: "main" }, { branch: "other" })
    await fc.assert(
      fc.asyncProperty(fc.array(expression, { maxLength: 3 }), service, metadata, async (expressions, rest, known) => {
        const names = expressions.map((_, index) => `p${index}`)
        for (const [index, each] of expressions.entries()) await run(set(org, `p${index}`, each))
        const spec = specOf(rest)
        const { problems } = await run(plan(org, spec, known))
        const accepted = await run(Effect.either(accept(org, spec, known)))
        const refusals = accepted._tag === "Left" && "errors" in accepted.left ? accepted.left.errors : []
        expect(refusals.map(({ detail }) => detail)).toEqual(problems.map(({ detail }) => detail))
        expect(accepted._tag).toBe(problems.length === 0 ? "Right" : "Left")
        for (const name of names) {
          await run(Effect.flatMap(Policies, (found) => found.remove(org.id, PolicyName.make(name))))
        }
      }),
      { numRuns: 25 }
    )
  })
})
