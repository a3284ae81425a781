import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import { AppName, StageName } from "@maxcloud/config-schema"
import { DeploymentId, EventList, KeyScope, type OrganizationId, UserId } from "@maxcloud/sdk/api"
import { Chunk, Deferred, Effect, Fiber, Layer, Stream } from "effect"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { deploy, finished, newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { asOrganization, asServer } from "../../base/database/RowScope.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { erasePersonRows } from "../../control/privacy/eraseRows.ts"
import { type EventQuery, Events, readableTypes } from "./Events.ts"
import * as PostgresEvents from "./PostgresEvents.ts"
import { type NewEvent, recordEvents } from "./recordEvents.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const { server } = runtimeTests(
  Layer.unwrapScoped(
    Effect.map(madeDataDir, (dataDir) =>
      PostgresEvents.layer({ retentionDays: 30 }).pipe(
        Layer.provideMerge(testServer(fake.layer, dataDir, { resyncMs: 60_000 })),
        Layer.provideMerge(databaseTest({ dataDir }))
      )
    )
  )
)

const all: EventQuery = { types: readableTypes(["*"], ["owner"]) }
const list = (organizationId: OrganizationId, query = all, after = 0) =>
  Effect.flatMap(Events, (events) => events.page(organizationId, { ...query, after }, EventList.pagingOf({}))).pipe(
    Effect.map(({ items }) => items),
    asOrganization(organizationId)
  )

const happened = (number: number, app = "shop", stage = "production"): NewEvent => ({
  type: "deployment.failed",
  subject: `deployments/${number}`,
  data: {
    app: AppName.make(app),
    stage: StageName.make(stage),
    deployment: DeploymentId.make(`dep_${"0".repeat(32)}`),
    number,
    reason: "ServiceFailed"
  }
})
const numbers = (found: ReadonlyArray<{ readonly data: Readonly<Record<string, unknown>> }>) =>
  found.map(({ data }) => data.number)

describe("events", () => {
  it("report a deployment from its acceptance to its end", () =>
    server.runPromise(
      Effect.gen(function* () {
        const organization = yield* newOrganization
        const first = yield* finished(organization, yield* deploy(organization, [{ name: "web" }]))
        yield* finished(organization, yield* deploy(organization, [{ name: "web", image: "broken:1" }]))
        const found = yield* list(organization.id)
        expect(found.filter((event) => event.type.startsWith("deployment.")).map((event) => event.type)).toStrictEqual([
          "deployment.accepted",
          "deployment.started",
          "deployment.succeeded",
          "deployment.accepted",
          "deployment.started",
          "deployment.failed"
        ])
        expect(found[0]).toMatchObject({
          specversion: "1.0",
          source: `/organizations/${organization.id}`,
          subject: `deployments/${first.id}`,
          sequence: "1",
          datacontenttype: "application/json",
          data: { app: "shop", stage: "production", deployment: first.id, number: 1, reason: "Accepted" }
        })
        // Messages may quote what a program wrote.
        for (const event of found) expect(event.data).not.toHaveProperty("message")
      })
    ))

  it("don't exist if their transaction was rolled back", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        yield* transaction(Effect.andThen(recordEvents(id, happened(1)), Effect.fail("no" as const))).pipe(Effect.flip)
        expect(yield* list(id)).toStrictEqual([])
      }).pipe(asServer)
    ))

  it("are never skipped, even if the transaction that began first commits last", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const written = yield* Deferred.make<void>()
        const commit = yield* Deferred.make<void>()
        const slow = yield* transaction(
          recordEvents(id, happened(1)).pipe(
            Effect.zipRight(Deferred.succeed(written, undefined)),
            Effect.zipRight(Deferred.await(commit))
          )
        ).pipe(asServer, Effect.fork)
        yield* Deferred.await(written)
        yield* asServer(recordEvents(id, happened(2)))
        const [seen] = yield* list(id)
        expect(seen).toMatchObject({ sequence: "1" })
        expect(seen?.data.number).toBe(2)
        yield* Deferred.succeed(commit, undefined)
        yield* Fiber.join(slow)
        const rest = yield* list(id, all, 1)
        expect([numbers(rest), rest[0]?.sequence]).toStrictEqual([[1], "2"])
      })
    ))

  it("have each number once, with several readers at the same time", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const writes = Effect.forEach(
          Array.from({ length: 40 }, (_, n) => n),
          (n) => asServer(recordEvents(id, happened(n))),
          {
            concurrency: 5
          }
        )
        const reads = Effect.forEach(Array.from({ length: 20 }), () => list(id), { concurrency: 3 })
        yield* Effect.all([writes, reads], { concurrency: 2 })
        const found = yield* list(id)
        expect(found.map((event) => Number(event.sequence))).toStrictEqual(Array.from({ length: 40 }, (_, n) => n + 1))
      })
    ))

  it("are visible only to their own organization", () =>
    server.runPromise(
      Effect.gen(function* () {
        const mine = yield* newOrganization
        const others = yield* newOrganization
        yield* asServer(recordEvents(others.id, happened(1)))
        expect(yield* list(mine.id)).toStrictEqual([])
        // Row security: not even if a query forgot the organization.
        const sql = yield* SqlClient
        yield* list(others.id)
        const seen = yield* sql`select distinct organization_id from events`.pipe(asOrganization(mine.id))
        expect(seen).toStrictEqual([])
        const refused = yield* recordEvents(others.id, happened(2)).pipe(asOrganization(mine.id), Effect.either)
        expect(refused._tag).toBe("Left")
      })
    ))

  it("are selected by type, app, stage, time and the scopes of a credential", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        yield* asServer(recordEvents(id, happened(1), happened(2, "shop", "preview-1"), happened(3, "blog")))
        const select = (query: Partial<EventQuery>) => Effect.map(list(id, { ...all, ...query }), numbers)
        expect(yield* select({})).toStrictEqual([1, 2, 3])
        expect(yield* select({ app: "shop" })).toStrictEqual([1, 2])
        expect(yield* select({ app: "shop", stage: "preview-1" })).toStrictEqual([2])
        expect(yield* select({ types: ["deployment.accepted"] })).toStrictEqual([])
        expect(yield* select({ types: [] })).toStrictEqual([])
        expect(yield* select({ since: Date.now() + 60_000 })).toStrictEqual([])
        expect(yield* select({ scopes: [KeyScope.make("read:shop/production")] })).toStrictEqual([1])
        expect(yield* select({ scopes: [KeyScope.make("deploy:shop/*")] })).toStrictEqual([1, 2])
        expect(yield* select({ scopes: [KeyScope.make("read:shop/*")], app: "blog" })).toStrictEqual([])
      })
    ))

  it("come in pages in both orders, each event once, while others happen", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        yield* asServer(recordEvents(id, happened(1), happened(2), happened(3)))
        const events = yield* Events
        const page = (asked: Parameters<typeof EventList.pagingOf>[0], query: EventQuery = all) =>
          events.page(id, query, EventList.pagingOf({ limit: 2, ...asked })).pipe(asOrganization(id))
        const first = yield* page({})
        const newest = yield* page({ sort: "-sequence" })
        yield* asServer(recordEvents(id, happened(4)))
        const rest = yield* page({ cursor: first.next ?? "" })
        const oldest = yield* page({ sort: "-sequence", cursor: newest.next ?? "" })
        const seen = [first, rest, newest, oldest].map(({ items }) => items.map(({ sequence }) => Number(sequence)))
        expect(seen).toStrictEqual([[1, 2], [3, 4], [3, 2], [1]])
        expect([rest.next, oldest.next]).toStrictEqual([null, null])
        expect((yield* page({}, { ...all, after: 3 })).items.map(({ sequence }) => sequence)).toStrictEqual(["4"])
        const refused = yield* Effect.either(page({ sort: "-sequence", cursor: first.next ?? "" }))
        expect(refused._tag).toBe("Left")
      })
    ))

  it("reach a follower as they happen, starting after the number that it names", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        yield* asServer(recordEvents(id, happened(1), happened(2)))
        const events = yield* Events
        const take = (after: number | undefined, count: number, query = all) =>
          events
            .follow(id, { ...query, after })
            .pipe(Stream.take(count), Stream.runCollect, Effect.map(Chunk.toReadonlyArray), asOrganization(id))
        expect(numbers(yield* take(1, 1))).toStrictEqual([2])
        expect(numbers(yield* take(undefined, 2, { ...all, since: 0 }))).toStrictEqual([1, 2])
        const waiting = yield* Effect.fork(take(undefined, 2))
        const later = Effect.forEach([3, 4, 5], (n) =>
          asServer(recordEvents(id, happened(n))).pipe(Effect.delay("300 millis"))
        )
        yield* later
        const [first, second] = numbers(yield* Fiber.join(waiting))
        expect(Number(second)).toBe(Number(first) + 1)
        expect(Number(first)).toBeGreaterThanOrEqual(3)
      })
    ))

  it("are deleted with the account if they're about a person, and otherwise with time", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const userId = UserId.make(`usr_${"a".repeat(32)}`)
        yield* recordEvents(id, { ...happened(1), userId }, happened(2))
        yield* erasePersonRows(userId, false)
        expect(numbers(yield* list(id))).toStrictEqual([2])
      }).pipe(asServer)
    ))
})
