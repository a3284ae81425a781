import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import { productionStage } from "@maxcloud/config-schema"
import { Effect, Layer, Schedule } from "effect"
import { makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, ownServer, shop } from "../../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../../test/runtimeTests.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { KeyedRequest } from "../../../tenancy/repeats/KeyedRequest.ts"
import { layer as services } from "../../services/PostgresServices.ts"
import { Services } from "../../services/Services.ts"
import { Deployments } from "../Deployments.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { test } = runtimeTests(services.pipe(Layer.provideMerge(ownServer(fake.layer))))

const find = (organization: Organization, name: string) =>
  Effect.gen(function* () {
    const all = yield* listServices(organization)
    return all.find((each) => each.name === name) ?? (yield* Effect.dieMessage(`no service ${name}`))
  })

const restart = (organization: Organization, name: string) =>
  Effect.flatMap(find(organization, name), ({ id }) =>
    Effect.flatMap(Services, (services) => services.restart(organization, id))
  )

const generationOf = (organization: Organization, name: string) =>
  [...fake.objects].find(([id]) => id.startsWith(organization.id) && id.endsWith(`/Service/${name}`))?.[1].generation

/** Only the runtime itself reports it. */
const untilGeneration = (organization: Organization, name: string, generation: number) =>
  Effect.sync(() => generationOf(organization, name)).pipe(
    Effect.repeat({ until: (value) => value === generation, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("20 seconds")
  )

/** A service's status is stored after the work on it. */
const untilReady = (organization: Organization, name: string, revision: string) =>
  find(organization, name).pipe(
    Effect.delay("10 millis"),
    Effect.repeat({ until: (each) => each.status.latestReadyRevision === revision }),
    Effect.timeout("20 seconds")
  )

/** All work on the organization's apps is done. */
const settled = (organization: Organization) =>
  Effect.flatMap(SqlClient, (sql) => sql`select 1 from work_items where organization_id = ${organization.id}`).pipe(
    Effect.repeat({ until: (each) => each.length === 0, schedule: Schedule.spaced("10 millis") }),
    Effect.timeout("20 seconds")
  )

const entries = (organization: Organization) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ subject: string }>`
      select subject from audit_entries where organization_id = ${organization.id} and action = 'services.restart'`
  )

describe("a restart", () => {
  test(
    "creates a revision of only that service, which no later plan or deployment treats as a change or undoes",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const wanted = [{ name: "api" }, { name: "web" }]
      yield* finished(org, yield* deploy(org, wanted))
      const accepted = yield* restart(org, "web")
      expect(accepted.replaces).toBe("web-00001")
      yield* untilGeneration(org, "web", 2)
      yield* settled(org)
      expect(generationOf(org, "api")).toBe(1)
      expect((yield* untilReady(org, "web", "web-00002")).status.state).toBe("ready")

      const deployments = yield* Deployments
      const spec = { app: shop, services: wanted.map((value) => ({ image: "ready:1", ...value })) }
      const plan = yield* deployments.plan({ organization: org, app: shop, stage: productionStage, spec })
      expect(plan.changes.map((change) => change.action)).toEqual(["unchanged", "unchanged"])
      const again = yield* finished(org, yield* deploy(org, wanted))
      expect(again.services.map((service) => [service.action, service.state])).toEqual([
        ["unchanged", "ready"],
        ["unchanged", "ready"]
      ])
      yield* settled(org)
      expect([generationOf(org, "api"), generationOf(org, "web")]).toEqual([1, 2])
      yield* finished(org, yield* deploy(org, [{ name: "api" }, { name: "web", image: "ready:2" }]))
      expect(generationOf(org, "web")).toBe(3)
    })
  )

  test(
    "isn't repeated if its answer was lost",
    Effect.gen(function* () {
      const org = yield* newOrganization
      yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      const noted: Array<string | undefined> = []
      const asked = (made: string | undefined) =>
        Effect.provideService(restart(org, "web"), KeyedRequest, {
          made,
          note: (id) => Effect.sync(() => void noted.push(id))
        })
      const first = yield* asked(undefined)
      const { id } = yield* find(org, "web")
      expect(noted).toContain(id)
      const second = yield* asked(id)
      expect([first.replaces, second.replaces]).toEqual(["web-00001", "web-00001"])
      expect(yield* entries(org)).toHaveLength(1)
    })
  )

  test(
    "takes effect while its deployment is still running",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const accepted = yield* deploy(org, [{ name: "held", image: "slow:1" }, { name: "web" }])
      yield* untilGeneration(org, "web", 1)
      yield* restart(org, "web")
      yield* untilGeneration(org, "web", 2)
      yield* fake.becomeReady("held")
      expect((yield* finished(org, accepted)).status.state).toBe("succeeded")
    })
  )

  test(
    "is refused for a paused service, and finds nothing of another organization",
    Effect.gen(function* () {
      const [org, other] = [yield* newOrganization, yield* newOrganization]
      yield* finished(org, yield* deploy(org, [{ name: "web" }]))
      const { id } = yield* find(org, "web")
      const all = yield* Services
      expect(yield* Effect.flip(all.restart(other, id))).toMatchObject({ _tag: "NotFound" })
      yield* all.pause(org, id)
      expect(yield* Effect.flip(all.restart(org, id))).toMatchObject({
        _tag: "Conflict",
        detail: 'The service "web" is paused (run `maxcloud resume web` to start it), so it can\'t be restarted.'
      })
      expect(yield* entries(org)).toEqual([])
      expect(yield* entries(other)).toEqual([])
    })
  )
})

describe("a pause", () => {
  test(
    "takes effect while its deployment is still running",
    Effect.gen(function* () {
      const org = yield* newOrganization
      const accepted = yield* deploy(org, [{ name: "late", image: "slow:1" }, { name: "web" }])
      yield* untilGeneration(org, "web", 1)
      const all = yield* Services
      yield* all.pause(org, (yield* find(org, "web")).id)
      yield* untilGeneration(org, "web", 2)
      yield* fake.becomeReady("late")
      expect((yield* finished(org, accepted)).status.state).toBe("succeeded")
    })
  )
})
