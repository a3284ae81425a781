import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
import { AppName, ServiceName } from "@maxcloud/config-schema"
import { KeyScope, ServiceList } from "@maxcloud/sdk/api"
import { Chunk, Effect, Layer, Schema, Stream } from "effect"
import * as fc from "fast-check"
import { layerTest } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { layerTest as keys } from "../../../test/keys/layerTest.ts"
import { newId } from "../../base/database/newId.ts"
import { everyPage } from "../../base/database/paging.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Platform } from "../../runtimes/port/Platform.ts"
import * as PostgresAudit from "../../tenancy/audit/PostgresAudit.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { layer } from "./PostgresServices.ts"
import { Services } from "./Services.ts"

const platform = Layer.succeed(Platform, {
  namespacePrefix: "",
  domain: "localhost",
  scheme: "http",
  port: 8080,
  podSecurity: "baseline",
  runtimeClass: undefined
})

const live = Layer.unwrapEffect(
  Effect.map(makeFakeRuntime, (fake) =>
    layer.pipe(
      Layer.provideMerge(Layer.mergeAll(organizations, fake.layer, platform, PostgresAudit.layer())),
      Layer.provideMerge(keys),
      Layer.provideMerge(layerTest)
    )
  )
)

/** Deployed services of one app, only as rows, because nobody works on them. Many were created in the same moment. */
const insertServices = (organization: Organization, app: string, names: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = names.map((name) => ({ id: newId("svc"), name, spec: { name, image: "a:1" } }))
    yield* sql`
      insert into app_stages (organization_id, app, stage) values (${organization.id}, ${app}, 'production')
      on conflict do nothing`
    yield* sql`
      insert into services (id, organization_id, app, stage, name, spec, secret_versions, deployment_number)
      select s.id, ${organization.id}, ${app}, 'production', s.name, s.spec, '{}', 1
      from json_to_recordset(${JSON.stringify(rows)}::json) as s (id text, name text, spec json)`
  })

const namesOf = (count: number, prefix = "s") =>
  Array.from({ length: count }, (_, index) => `${prefix}-${String(index).padStart(5, "0")}`)

type Asked = Parameters<typeof ServiceList.pagingOf>[0]

const pageOf = (organization: Organization, asked: Asked) =>
  Effect.flatMap(Services, (services) => services.page(organization, {}, ServiceList.pagingOf(asked)))

const wholeList = (organization: Organization, asked: Asked) =>
  Effect.map(Stream.runCollect(everyPage((cursor) => pageOf(organization, { ...asked, cursor }))), (found) =>
    Chunk.toReadonlyArray(found).map((service) => service.name)
  )

const byName = (count: number, prefix?: string): ReadonlyArray<string> => namesOf(count, prefix)

describeOn(live, { excludeTestServices: true })("pages of services", (it) => {
  it.effect("contain each service once, in order, for every sort", () =>
    Effect.gen(function* () {
      const organization = yield* newOrganization
      yield* insertServices(organization, "shop", namesOf(25))
      expect(yield* wholeList(organization, { limit: 7 })).toStrictEqual(byName(25))
      expect(yield* wholeList(organization, { limit: 7, sort: "-name" })).toStrictEqual([...byName(25)].reverse())
      // All of them have the same times.
      for (const sort of ["createdAt", "-createdAt", "updatedAt", "-updatedAt"] as const) {
        const found = yield* wholeList(organization, { limit: 4, sort })
        expect([...found].sort(), sort).toStrictEqual(byName(25))
      }
      expect((yield* pageOf(organization, { limit: 25 })).next).toBe(null)
    })
  )

  it.effect("neither repeat nor skip a service while others are added and removed", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const organization = yield* newOrganization
      yield* insertServices(organization, "shop", namesOf(20, "b"))
      const first = yield* pageOf(organization, { limit: 10 })
      yield* insertServices(organization, "shop", namesOf(5, "a"))
      yield* sql`delete from services where organization_id = ${organization.id} and name = 'b-00009'`
      const second = yield* pageOf(organization, { limit: 10, cursor: first.next ?? undefined })
      expect([...first.items, ...second.items].map((service) => service.name)).toStrictEqual(byName(20, "b"))
    })
  )

  it.effect("contain only what the filters and a key's scopes allow, even if that is a small part of many", () =>
    Effect.gen(function* () {
      const services = yield* Services
      const organization = yield* newOrganization
      yield* insertServices(organization, "shop", namesOf(30))
      yield* insertServices(organization, "blog", namesOf(3, "z"))
      const namesBy = (filter: Parameters<typeof services.page>[1]) =>
        Effect.map(services.page(organization, filter, ServiceList.pagingOf({ limit: 5 })), ({ items, next }) => ({
          names: items.map((service) => service.name),
          isWhole: next === null
        }))
      const ofBlog = { names: byName(3, "z").map((name) => ServiceName.make(name)), isWhole: true }
      const scope = Schema.decodeSync(KeyScope)
      expect(yield* namesBy({ app: AppName.make("blog") })).toStrictEqual(ofBlog)
      expect(yield* namesBy({ scopes: [scope("read:blog/*")] })).toStrictEqual(ofBlog)
      expect(yield* namesBy({ scopes: [scope("read:blog/production")] })).toStrictEqual(ofBlog)
      expect(yield* namesBy({ scopes: [scope("read:blog/dev")] })).toStrictEqual({ names: [], isWhole: true })
      expect(yield* namesBy({ scopes: [] })).toStrictEqual({ names: [], isWhole: true })
      expect(yield* namesBy({ state: "failed" })).toStrictEqual({ names: [], isWhole: true })
      expect((yield* namesBy({ state: "pending" })).isWhole).toBe(false)
    })
  )

  it.effect("read each of ten thousand services at most once", () =>
    Effect.gen(function* () {
      const organization = yield* newOrganization
      yield* insertServices(organization, "shop", namesOf(10_000))
      const sql = yield* SqlClient
      // Of this transaction, so of nobody else's queries.
      const rowsRead = Effect.map(
        sql<{ readonly count: string }>`
          select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as count from pg_stat_xact_user_tables`,
        ([row]) => Number(row?.count)
      )
      const pages: Array<number> = []
      let count = 0
      yield* sql.withTransaction(
        Effect.gen(function* () {
          let cursor: string | undefined
          do {
            const before = yield* rowsRead
            const page = yield* pageOf(organization, { limit: 500, cursor })
            pages.push((yield* rowsRead) - before)
            expect(page.items.length).toBeLessThanOrEqual(500)
            count += page.items.length
            cursor = page.next ?? undefined
          } while (cursor !== undefined)
        })
      )
      expect(count).toBe(10_000)
      expect(Math.min(...pages)).toBeGreaterThanOrEqual(500)
      // Row security hides from Postgres how many rows match, so it sorts them: that's 6 ms for ten thousand.
      expect(Math.max(...pages), pages.join(", ")).toBeLessThan(11_000)
    })
  )

  it.effect("refuse a cursor that doesn't belong to this list in this order", () =>
    Effect.gen(function* () {
      const organization = yield* newOrganization
      yield* insertServices(organization, "shop", namesOf(3))
      const { next } = yield* pageOf(organization, { limit: 1 })
      const written = (...parts: ReadonlyArray<unknown>) => Buffer.from(JSON.stringify(parts)).toString("base64url")
      const wrong: ReadonlyArray<Asked> = [
        { sort: "createdAt", cursor: next ?? undefined },
        { cursor: written("deployments", "name", "a", "b", "c") },
        { cursor: written("services", "name", "a", "b") },
        { cursor: written("services", "name", "a", "b", "c", "d", "e") },
        { cursor: written("services", "name", "a\0", "b", "c", "d") },
        { cursor: written("services", "name", 1, "b", "c", "d") },
        { sort: "createdAt", cursor: written("services", "createdAt", "yesterday", "c") },
        { sort: "createdAt", cursor: written("services", "createdAt", "9".repeat(30), "c") },
        { cursor: "%%%" },
        { cursor: "" }
      ]
      for (const asked of wrong) {
        const error = yield* Effect.flip(pageOf(organization, asked))
        expect(error._tag, JSON.stringify(asked)).toBe("InvalidRequest")
      }
      const services = yield* Services
      const context = yield* Effect.context<SqlClient>()
      yield* Effect.promise(() =>
        fc.assert(
          fc.asyncProperty(fc.oneof(fc.string(), fc.base64String(), fc.json()), async (cursor) => {
            const asked = services.page(organization, {}, ServiceList.pagingOf({ cursor }))
            const exit = await Effect.runPromise(Effect.either(Effect.provide(asked, context)))
            expect(exit._tag === "Left" && exit.left._tag === "InvalidRequest", cursor).toBe(true)
          }),
          { numRuns: 50 }
        )
      )
    })
  )
})
