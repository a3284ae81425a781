import { SqlClient } from "@effect/sql/SqlClient"
import { expect, it } from "@effect/vitest"
import { AppName, productionStage } from "@maxcloud/config-schema"
import type { Service } from "@maxcloud/sdk/api"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { databaseTest, madeDataDir } from "../../../../test/database/layerTest.ts"
import { type FakeRuntime, makeFakeRuntime } from "../../../../test/deployments/fakeRuntime.ts"
import {
  deploy,
  finished,
  newOrganization,
  ownServer,
  shop,
  testServer
} from "../../../../test/deployments/testServer.ts"
import { listServices } from "../../../../test/wholeLists.ts"
import { notifying } from "../../../base/database/notifying.ts"
import type { Organization } from "../../../base/words/Organization.ts"
import { namespaceKeyOf, Platform } from "../../../runtimes/port/Platform.ts"
import { DriftLog } from "../../drift/DriftLog.ts"
import { Services } from "../../services/Services.ts"
import { Deployments } from "../Deployments.ts"
import { Suspensions } from "./Suspensions.ts"

const hotfix = { reason: "Hotfix of the pool size", seconds: 3_600 }
const at = (organization: Organization) => ({ organization, app: shop, stage: productionStage })

/** Somebody edits the service, and the runtime reports it. */
const drifts = (organization: Organization) =>
  Effect.gen(function* () {
    const { record } = yield* DriftLog
    yield* record({
      key: namespaceKeyOf(at(organization), yield* Platform),
      object: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "web" },
      change: "edited",
      manager: "kubectl-edit",
      fields: ["spec"],
      at: new Date()
    })
    yield* check(organization)
  })

/** Makes a pass over the stage due now. */
const check = ({ id }: Organization) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      with added as (
        insert into work_items (organization_id, key, available_at) values (${id}, 'shop/production', clock_timestamp())
        on conflict (organization_id, key) do update set version = work_items.version + 1, available_at = clock_timestamp()
      )
      select ${notifying(sql, "work")}`
  )

const until = <E, R>(is: Effect.Effect<boolean, E, R>) =>
  Effect.repeat(Effect.delay(is, "10 millis"), { until: (found) => found })

/** A pass over the stage has ended since, and scheduled another one. */
const untilPassed = ({ id }: Organization) =>
  until(
    Effect.map(
      Effect.flatMap(
        SqlClient,
        (sql) => sql`
          select 1 from work_items where organization_id = ${id} and lease_token is null
            and available_at > clock_timestamp()`
      ),
      (rows) => rows.length > 0
    )
  )

/** The pass over the stage has ended. */
const untilIdle = ({ id }: Organization) =>
  until(
    Effect.map(
      Effect.flatMap(
        SqlClient,
        (sql) => sql`select 1 from work_items where organization_id = ${id} and lease_token is not null`
      ),
      (held) => held.length === 0
    )
  )

/** Ends the stage's suspension by time, without waiting for it. */
const expire = ({ id }: Organization) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`update app_stages set suspended_until = clock_timestamp() where organization_id = ${id}`
  )

const healed = (organization: Organization) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql`select 1 from drift where organization_id = ${organization.id} and healed_at is not null`
    ),
    (rows) => rows.length > 0
  )

const typesOf = (organization: Organization) =>
  Effect.map(
    Effect.flatMap(
      SqlClient,
      (sql) => sql<{ type: string }>`
        select type from events where organization_id = ${organization.id} and type like 'app.%' order by at, id`
    ),
    (rows) => rows.map((row) => row.type)
  )

const applies = ({ calls }: FakeRuntime) => calls.filter((call) => call === "apply Service/web").length

const deployed = Effect.gen(function* () {
  const organization = yield* newOrganization
  yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
  return organization
})

/** Runs on a server of its own, with its runtime. */
const onServer = <A, E>(
  use: (fake: FakeRuntime) => Effect.Effect<A, E, Layer.Layer.Success<ReturnType<typeof ownServer>>>
) => Effect.flatMap(makeFakeRuntime, (fake) => Effect.provide(use(fake), ownServer(fake.layer)))

it.scopedLive("leaves drift alone until somebody ends the suspension, and reverts it then", () =>
  onServer((fake) =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const suspensions = yield* Suspensions
      const suspended = yield* suspensions.suspend(at(organization), hotfix)
      expect(suspended).toMatchObject({ reason: hotfix.reason, createdBy: null })
      expect(yield* suspensions.get(at(organization))).toStrictEqual(suspended)
      expect((yield* listServices(organization, {})).map((service) => service.suspension)).toStrictEqual([
        { until: suspended.until, reason: hotfix.reason }
      ])
      const before = applies(fake)
      yield* drifts(organization)
      yield* untilPassed(organization)
      expect([applies(fake), yield* healed(organization)]).toStrictEqual([before, false])

      yield* suspensions.end(at(organization))
      yield* until(healed(organization))
      expect(applies(fake)).toBeGreaterThan(before)
      expect(yield* suspensions.get(at(organization))).toBeNull()
      yield* suspensions.end(at(organization))
      expect(yield* typesOf(organization)).toStrictEqual(["app.suspended", "app.suspension-ended"])
    })
  )
)

it.scopedLive("is read without waiting for a pass that has locked the stage", () =>
  onServer(() =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const suspensions = yield* Suspensions
      const sql = yield* SqlClient
      const [locked, read] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const pass = yield* Effect.fork(
        sql.withTransaction(
          sql`select 1 from app_stages where organization_id = ${organization.id} for update`.pipe(
            Effect.zipRight(Deferred.succeed(locked, undefined)),
            Effect.zipRight(Deferred.await(read))
          )
        )
      )
      yield* Deferred.await(locked)
      expect(yield* Effect.timeoutOption(suspensions.get(at(organization)), "20 seconds")).toStrictEqual(
        Option.some(null)
      )
      yield* Deferred.succeed(read, undefined)
      yield* Fiber.join(pass)
    })
  )
)

it.scopedLive("ends by itself, with an event, and reverts drift then", () =>
  onServer(() =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const suspensions = yield* Suspensions
      yield* suspensions.suspend(at(organization), hotfix)
      yield* drifts(organization)
      yield* untilPassed(organization)
      expect(yield* healed(organization)).toBe(false)
      yield* expire(organization)
      yield* check(organization)
      yield* until(healed(organization))
      expect(yield* suspensions.get(at(organization))).toBeNull()
      expect(yield* typesOf(organization)).toStrictEqual(["app.suspended", "app.suspension-ended"])
    })
  )
)

it.scopedLive("schedules the pass at its end, also after a deployment and without any drift", () =>
  onServer(() =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const suspensions = yield* Suspensions
      yield* suspensions.suspend(at(organization), hotfix)
      yield* finished(organization, yield* deploy(organization, [{ name: "web", env: { A: "1" } }]))
      yield* untilPassed(organization)
      // Nobody wakes it any more.
      yield* suspensions.suspend(at(organization), { ...hotfix, seconds: 1 })
      yield* until(Effect.map(typesOf(organization), (types) => types.includes("app.suspension-ended")))
    })
  )
)

it.scopedLive("holds after a restart of the server, whose runtime says that it has lost an object", () =>
  Effect.gen(function* () {
    const dataDir = yield* madeDataDir
    const database = databaseTest({ dataDir })
    const first = yield* makeFakeRuntime
    const organization = yield* Effect.gen(function* () {
      const organization = yield* newOrganization
      yield* finished(organization, yield* deploy(organization, [{ name: "web" }, { name: "api" }]))
      yield* Effect.flatMap(Suspensions, (suspensions) => suspensions.suspend(at(organization), hotfix))
      return organization
    }).pipe(Effect.provide(Layer.provideMerge(testServer(first.layer, dataDir), database)))

    const id = [...first.objects.keys()].find((key) => key.includes("api") && key.includes("Service/"))
    first.objects.delete(id ?? "")
    first.namesMissing = true
    first.calls.length = 0
    yield* Effect.gen(function* () {
      yield* untilPassed(organization)
      expect(first.calls.filter((call) => call.startsWith("apply"))).toStrictEqual([])
      yield* Effect.flatMap(Suspensions, (suspensions) => suspensions.end(at(organization)))
      yield* until(Effect.sync(() => first.calls.includes("apply Service/api")))
    }).pipe(Effect.provide(Layer.provideMerge(testServer(first.layer, dataDir), database)))
  })
)

it.scopedLive("restores an app of which nothing is left, and stays suspended", () =>
  onServer((fake) =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const suspensions = yield* Suspensions
      yield* suspensions.suspend(at(organization), hotfix)
      fake.objects.clear()
      fake.namesMissing = true
      fake.calls.length = 0
      yield* check(organization)
      yield* until(Effect.sync(() => applies(fake) > 0))
      expect(yield* suspensions.get(at(organization))).not.toBeNull()
    })
  )
)

const pair = [{ name: "web" }, { name: "api" }]
const deployedPair = Effect.gen(function* () {
  const organization = yield* newOrganization
  yield* finished(organization, yield* deploy(organization, pair))
  return organization
})

/** Somebody deletes the Knative Service. */
const lose = (fake: FakeRuntime, name: string) => {
  fake.namesMissing = true
  fake.calls.length = 0
  for (const id of fake.objects.keys()) if (id.endsWith(`/Service/${name}`)) fake.objects.delete(id)
}

const appliesOf = ({ calls }: FakeRuntime) => calls.filter((call) => call.startsWith("apply"))

it.scopedLive("leaves an app alone of which one service was about to be restored", () =>
  onServer((fake) =>
    Effect.gen(function* () {
      const organization = yield* deployedPair
      fake.refuses = ["web"]
      lose(fake, "web")
      yield* check(organization)
      const isRestoring = ({ name, status }: Service) => name === "web" && status.state === "restoring"
      yield* until(Effect.map(listServices(organization, {}), (services) => services.some(isRestoring)))
      yield* untilIdle(organization)
      fake.refuses = []
      fake.calls.length = 0
      yield* Effect.flatMap(Suspensions, (suspensions) => suspensions.suspend(at(organization), hotfix))
      yield* untilPassed(organization)
      expect(appliesOf(fake)).toStrictEqual([])
    })
  )
)

it.scopedLive("restores a lost app to its end, without what is back already, and then no deleted object", () =>
  onServer((fake) =>
    Effect.gen(function* () {
      const organization = yield* deployedPair
      yield* Effect.flatMap(Suspensions, (suspensions) => suspensions.suspend(at(organization), hotfix))
      yield* untilPassed(organization)
      const before = new Map(fake.objects)
      fake.refuses = ["web"]
      fake.objects.clear()
      fake.namesMissing = true
      yield* check(organization)
      const isLost = Effect.map(
        Effect.flatMap(
          SqlClient,
          (sql) => sql`select 1 from app_stages where organization_id = ${organization.id} and lost`
        ),
        (rows) => rows.length > 0
      )
      yield* until(isLost)
      // The refusal doesn't keep the suspension from ending on time.
      yield* untilPassed(organization)
      // All but one service is back, and somebody may be changing it.
      for (const [id, object] of before) fake.objects.set(id, object)
      lose(fake, "web")
      fake.refuses = []
      yield* check(organization)
      yield* until(Effect.map(isLost, (lost) => !lost))
      expect(appliesOf(fake)).toContain("apply Service/web")
      expect(appliesOf(fake)).not.toContain("apply Service/api")

      yield* untilPassed(organization)
      lose(fake, "web")
      yield* check(organization)
      yield* untilPassed(organization)
      expect(appliesOf(fake)).toStrictEqual([])
    })
  )
)

it.scopedLive("warns the authors of plans and deployments, which still apply, and refuses pauses and restarts", () =>
  onServer((fake) =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const [suspensions, deployments, services] = yield* Effect.all([Suspensions, Deployments, Services])
      yield* suspensions.suspend(at(organization), hotfix)
      const spec = { app: shop, services: [{ name: "web", image: "ready:2" }] }
      const warned = [expect.objectContaining({ detail: expect.stringContaining(`"${hotfix.reason}"`) })]
      expect((yield* deployments.plan({ ...at(organization), spec })).warnings).toEqual(warned)
      const before = applies(fake)
      const done = yield* finished(organization, yield* deploy(organization, [{ name: "web", image: "ready:2" }]))
      expect(done.status.state).toBe("succeeded")
      expect(done.warnings).toEqual(warned)
      expect(applies(fake)).toBeGreaterThan(before)

      const [web] = yield* listServices(organization, {})
      if (web === undefined) throw new Error("There is no service")
      for (const refusal of [
        Effect.asVoid(services.pause(organization, web.id)),
        Effect.asVoid(services.restart(organization, web.id))
      ]) {
        const refused = yield* Effect.flip(refusal)
        expect(refused).toMatchObject({ _tag: "Conflict", detail: expect.stringContaining("maxcloud suspend --end") })
      }
      yield* suspensions.end(at(organization))
      expect((yield* services.pause(organization, web.id)).status.state).toBe("paused")
    })
  )
)

it.scopedLive("isn't left behind by a removed app, and refuses an app that isn't there", () =>
  onServer(() =>
    Effect.gen(function* () {
      const organization = yield* deployed
      const [suspensions, deployments] = yield* Effect.all([Suspensions, Deployments])
      yield* suspensions.suspend(at(organization), hotfix)
      yield* finished(organization, yield* deployments.destroy(organization, shop, productionStage))
      expect(yield* typesOf(organization)).toStrictEqual(["app.suspended", "app.suspension-ended"])
      yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
      expect(yield* suspensions.get(at(organization))).toBeNull()
      const other = { ...at(organization), app: AppName.make("other") }
      const refused = [suspensions.get(other), suspensions.suspend(other, hotfix), suspensions.end(other)]
      for (const call of refused) expect(yield* Effect.flip(Effect.asVoid(call))).toMatchObject({ _tag: "NotFound" })
      // Another organization's app of the same name isn't this one.
      const stranger = yield* newOrganization
      expect(yield* Effect.flip(suspensions.get(at(stranger)))).toMatchObject({ _tag: "NotFound" })
    })
  )
)

it.scopedLive(
  "shortens an end that is further ahead than any suspension, after the database's clock was set back",
  () =>
    onServer(() =>
      Effect.gen(function* () {
        const organization = yield* deployed
        const suspensions = yield* Suspensions
        yield* suspensions.suspend(at(organization), hotfix)
        yield* Effect.flatMap(
          SqlClient,
          (sql) =>
            sql`update app_stages set suspended_until = clock_timestamp() + interval '9 years' where organization_id = ${organization.id}`
        )
        yield* check(organization)
        const left = Effect.map(
          suspensions.get(at(organization)),
          (found) => Date.parse(found?.until ?? "") - Date.now()
        )
        yield* until(Effect.map(left, (millis) => millis <= 86_400_000 + 60_000))
      })
    )
)
