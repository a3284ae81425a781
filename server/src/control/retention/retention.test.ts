import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { expect, layer } from "@effect/vitest"
import { AppName, SecretName, StageName } from "@maxcloud/config-schema"
import { DeploymentId, type OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Option, Redacted, Schedule } from "effect"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { listDeployments } from "../../../test/wholeLists.ts"
import { Secrets } from "../../stores/secrets/Secrets.ts"
import { Deployments } from "../deployments/Deployments.ts"
import * as Collector from "./Collector.ts"
import { collectDeployments } from "./collectDeployments.ts"
import { collectSources } from "./collectSources.ts"

const server = Layer.unwrapScoped(
  Effect.gen(function* () {
    const fake = yield* makeFakeRuntime
    const dataDir = yield* madeDataDir
    return testServer(fake.layer, dataDir, { resyncMs: 60_000 }).pipe(Layer.provideMerge(databaseTest({ dataDir })))
  })
)

const stage = StageName.make("production")
const appOf = (nth: number) => AppName.make(`app-${nth}`)
/**
 * Each app has `each` deployments that ended `days` days ago, all successful, with two events and a service. The ids contain
 * their creation time.
 */
const fill = (organizationId: OrganizationId, apps: ReadonlyArray<number>, each: number, days: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const at = sql`now() - ${days} * interval '1 day' + n * interval '1 second'`
    const numbers = sql`(select app::int as app from json_array_elements_text(${JSON.stringify(apps)}::json) app) apps`
    yield* sql`
      insert into app_stages (organization_id, app, stage, last_number)
      select ${organizationId}, 'app-' || app, ${stage}, ${each} from ${numbers}`
    yield* sql`
      insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions,
        warnings, created_at, started_at, finished_at)
      select 'dep_' || lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0')
          || '7' || lpad(to_hex(app * 100000 + n), 19, '0'),
        ${organizationId}, 'app-' || app, ${stage}, n, 'succeeded', 'Succeeded', '', '{}', '{}', '[]', ${at}, ${at}, ${at}
      from ${numbers}, generate_series(1, ${each}) n`
    // The foreign key checks below are planned for tables of this size.
    yield* sql`analyze deployments`
    yield* sql`
      insert into deployment_events (organization_id, deployment_id, id, type, reason, message)
      select organization_id, id, n, 'accepted', 'Accepted', '' from deployments, generate_series(1, 2) n
      where organization_id = ${organizationId}`
    yield* sql`
      insert into deployment_services (organization_id, deployment_id, position, name, action, state, reason, message)
      select organization_id, id, 1, 'web', 'update', 'ready', '', '' from deployments
      where organization_id = ${organizationId}`
    yield* sql`analyze deployment_events`
    yield* sql`analyze deployment_services`
  })

const deploymentOf = (organizationId: OrganizationId, app: number, number: number) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql<{ id: string }>`select id from deployments where organization_id = ${organizationId} and app = ${appOf(app)}
        and number = ${number}`,
      ([row]) => DeploymentId.make(row?.id ?? "")
    )
  )

const numbersOf = (organizationId: OrganizationId, app: number) =>
  Effect.flatMap(SqlClient, (sql) =>
    Effect.map(
      sql<{ number: number }>`select number from deployments where organization_id = ${organizationId}
        and app = ${appOf(app)} order by number`,
      (rows) => rows.map((row) => row.number)
    )
  )

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, nth) => from + nth)
const newest20 = range(181, 200)

const planOf = (statement: Effect.Effect<ReadonlyArray<object>, unknown>) =>
  Effect.map(statement, (rows) => JSON.stringify(rows))

layer(server, { excludeTestServices: true })("retention", (it) => {
  it.effect(
    "of 10,000 deployments of 50 apps, the needed ones stay and the rest is deleted in bounded batches",
    () =>
      Effect.gen(function* () {
        const sql = yield* SqlClient
        const organization = yield* newOrganization
        const { id } = organization
        const apps = range(1, 50)
        yield* fill(id, apps, 200, 400)
        const within = (app: number) => sql`organization_id = ${id} and app = ${appOf(app)}`
        const recent = sql`now() - interval '300 days'`
        yield* sql`update deployments set finished_at = ${recent} where ${within(50)}`
        // The current one ran long before others failed.
        yield* sql`update deployments set state = 'failed' where ${within(1)} and number > 50`
        // A service whose state comes from deployment 3.
        yield* sql`
          insert into services (id, organization_id, app, stage, name, spec, secret_versions, deployment_number)
          values ('svc_a', ${id}, ${appOf(2)}, ${stage}, 'web', '{}', '{}', 3)`
        // A deployment that hasn't ended.
        yield* sql`update deployments set state = 'running', finished_at = null where ${within(3)} and number = 10`
        // Two that use versions of a secret, later than the successful one.
        yield* sql`update deployments set state = 'failed' where ${within(5)} and number > 100`
        yield* sql`update deployments set secret_versions = '{"KEY": 1}' where ${within(5)} and number = 120`
        yield* sql`update deployments set secret_versions = '{"KEY": 2}' where ${within(5)} and number = 200`
        const secrets = yield* Secrets
        const scope = { organizationId: id, app: appOf(5), stage }
        const key = SecretName.make("KEY")
        for (const version of range(1, 13)) yield* secrets.set(scope, key, Redacted.make(`value ${version}`))
        expect((yield* secrets.versions(scope, key)).map((version) => version.version)).toStrictEqual([
          ...range(4, 13).reverse(),
          2,
          1
        ])
        const audit = sql`select count(*)::int as count from audit_entries`
        const told = yield* audit
        const gone = yield* deploymentOf(id, 7, 1)
        const stays = yield* deploymentOf(id, 7, 190)

        const { batches, deployments } = yield* collectDeployments(id, 365, 100)
        expect(deployments).toBe(49 * 180 - 4)
        // Two batches per app, and at most one that finds nothing.
        expect(batches).toBeLessThanOrEqual(3 * 49)
        expect(yield* numbersOf(id, 1)).toStrictEqual([50, ...newest20])
        expect(yield* numbersOf(id, 2)).toStrictEqual([3, ...newest20])
        expect(yield* numbersOf(id, 3)).toStrictEqual([10, ...newest20])
        expect(yield* numbersOf(id, 5)).toStrictEqual([100, ...newest20])
        expect(yield* numbersOf(id, 49)).toStrictEqual(newest20)
        expect(yield* numbersOf(id, 50)).toHaveLength(200)
        for (const table of ["deployment_events", "deployment_services"]) {
          expect(
            yield* sql`select 1 from ${sql(table)} t where not exists (select 1 from deployments d
              where d.organization_id = t.organization_id and d.id = t.deployment_id)`
          ).toStrictEqual([])
        }
        expect(yield* audit).toStrictEqual(told)
        expect(yield* collectDeployments(id, 365)).toStrictEqual({ deployments: 0, batches: 0 })

        // Version 1 was used by a collected deployment, version 2 by one that is kept.
        expect((yield* secrets.versions(scope, key)).map((version) => version.version)).toStrictEqual([
          ...range(4, 13).reverse(),
          2
        ])
        expect(Option.isSome(yield* secrets.rollback(scope, key, 2))).toBe(true)
        expect(Option.isNone(yield* secrets.rollback(scope, key, 1))).toBe(true)

        const { events, get } = yield* Deployments
        expect((yield* get(organization, stays)).number).toBe(190)
        expect(yield* listDeployments(organization, appOf(7), stage)).toHaveLength(20)
        for (const asked of [Effect.asVoid(get(organization, gone)), Effect.asVoid(events(organization, gone, 0))]) {
          const error = yield* Effect.flip(asked)
          expect(error._tag).toBe("NotFound")
          expect(error.message).toMatch(/has been deleted\. Deployments are deleted 365 days after their end/)
        }
        const never = yield* Effect.flip(
          get(organization, DeploymentId.make(`dep_${Date.now().toString(16).padStart(12, "0")}${"7".repeat(20)}`))
        )
        expect(never.message).toMatch(/^There is no deployment/)
      }),
    60_000
  )

  it.effect("lists, events and deployments to collect are found through indexes", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { id } = yield* newOrganization
      yield* fill(id, range(51, 60), 200, 1)
      const list = yield* planOf(sql`explain select * from deployments d where d.organization_id = ${id}
        and d.app = ${appOf(51)} and d.stage = ${stage} order by d.number desc limit 100`)
      expect(list).toMatch(/Index Scan( Backward)? using deployments_organization_id_app_stage_number/)
      const events = yield* planOf(sql`explain select * from deployment_events where organization_id = ${id}
        and deployment_id = ${yield* deploymentOf(id, 51, 1)} and id > 0 order by id`)
      expect(events).toMatch(/deployment_events_pkey/)
      const old = yield* planOf(sql`explain select d.app from deployments d where d.organization_id = ${id}
        and d.created_at < now() - interval '365 days' order by d.created_at limit 1`)
      expect(old).toMatch(/deployments_organization_id_created_at_idx/)
    })
  )

  it.scoped("the collector runs on its own for its replica's organizations, and removes unnamed sources", () =>
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      yield* fill(id, [61], 30, 400)
      const sql = yield* SqlClient
      const hex = (digit: string) => digit.repeat(64)
      yield* sql`update deployments set spec = ${`{"digest":"sha256:${hex("a")}"}`}::json
        where organization_id = ${id} and number = 25`
      yield* sql`update deployments set spec = ${`{"digest":"sha256:${hex("b")}"}`}::json
        where organization_id = ${id} and number = 5`
      const dataDir = yield* madeDataDir
      const archives = join(dataDir, "sources", id, "archives")
      mkdirSync(archives, { recursive: true })
      mkdirSync(join(dataDir, "sources", id, "folders", hex("b"), "src"), { recursive: true })
      const old = new Date(Date.now() - 400 * 86_400_000)
      const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000)
      // `c` was sent just now; `e` belongs to a plan that waits for its approval.
      const sent = { a: old, b: old, c: new Date(), d: daysAgo(7.1), e: daysAgo(6.9) }
      for (const [digit, at] of Object.entries(sent)) {
        const path = join(archives, `${hex(digit)}.tar.gz`)
        writeFileSync(path, "")
        utimesSync(path, at, at)
      }
      expect(yield* collectSources(dataDir, id, 365)).toBe(0)

      yield* Layer.build(Collector.layer({ dataDir, afterMs: 0, everyMs: 3_600_000 }))
      yield* Effect.suspend(() => Effect.succeed(readdirSync(archives).length)).pipe(
        Effect.repeat({ until: (value) => value === 3, schedule: Schedule.spaced("20 millis") }),
        Effect.timeout("30 seconds")
      )
      expect(readdirSync(archives).sort()).toStrictEqual(["a", "c", "e"].map((digit) => `${hex(digit)}.tar.gz`))
      expect(readdirSync(join(dataDir, "sources", id, "folders"))).toStrictEqual([])
      expect(yield* numbersOf(id, 61)).toStrictEqual(range(11, 30))
    })
  )
})
