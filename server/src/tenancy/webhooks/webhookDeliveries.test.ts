import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect } from "@effect/vitest"
import {
  ChangeWebhook,
  CreateWebhook,
  DeliveryList,
  EventList,
  eventKinds,
  type OrganizationId,
  type WebhookDelivery,
  type WebhookId
} from "@maxcloud/sdk/api"
import { Effect, Either, Layer, Schema } from "effect"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import * as EventNumbering from "../events/EventNumbering.ts"
import { readableTypes } from "../events/Events.ts"
import { pageOfEvents } from "../events/eventRows.ts"
import { eventsAtOnce, newestSequence, numberBatch } from "../events/numberEvents.ts"
import { recordEvents } from "../events/recordEvents.ts"
import { Mail } from "../mail/Mail.ts"
import { deliverWebhook } from "./deliverWebhook.ts"
import { claimDelivery } from "./deliveryRows.ts"
import * as PostgresWebhooks from "./PostgresWebhooks.ts"
import { mostSecrets, validSecrets } from "./secretRows.ts"
import type { Attempt } from "./send.ts"
import { Webhooks } from "./Webhooks.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
const mailed: Array<string> = []
/** No worker runs: each test numbers events and delivers by itself. */
const { test } = runtimeTests(
  Layer.unwrapScoped(
    Effect.map(madeDataDir, (dataDir) =>
      PostgresWebhooks.layer({ allowPrivate: true }).pipe(
        Layer.provideMerge(Layer.succeed(Mail, { add: (_, { text }) => Effect.sync(() => void mailed.push(text)) })),
        Layer.provideMerge(testServer(fake.layer, dataDir, { resyncMs: 3_600_000 })),
        Layer.provideMerge(databaseTest({ dataDir }))
      )
    )
  )
)

const change = Schema.decodeUnknownSync(ChangeWebhook)
const add = (
  organizationId: OrganizationId,
  url = "https://hooks.example.com/x",
  types: ReadonlyArray<string> = ["quota.*", "webhook.test"]
) =>
  Effect.flatMap(Webhooks, (webhooks) =>
    webhooks.create(organizationId, Schema.decodeUnknownSync(CreateWebhook)({ url, types }))
  )
const set = (organizationId: OrganizationId, id: WebhookId, state: "enabled" | "disabled") =>
  Effect.flatMap(Webhooks, (webhooks) => webhooks.change(organizationId, id, change({ state })))
const deliveries = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.map(
    Effect.flatMap(Webhooks, (webhooks) => webhooks.deliveries(organizationId, id, DeliveryList.pagingOf({}))),
    ({ items }) => items
  )
const near = (used: number) => ({
  type: "quota.near" as const,
  subject: "quotas/services",
  data: { quota: "services" as const, used, limit: 50 }
})
/** The numbers in the events of these deliveries. */
const usedIn = (found: ReadonlyArray<WebhookDelivery>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql<{ used: number }>`
      select (data ->> 'used')::int as used from events where ${sql.in(
        "id",
        found.map((each) => each.event)
      )} order by used`
    return rows.map((row) => row.used)
  })
/** Leases the only delivery that is due. */
const claimOwn = (organizationId: OrganizationId) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    yield* sql`update webhook_deliveries set finished_at = now() where organization_id <> ${organizationId}`
    const leased = yield* claimDelivery(60_000)
    expect(leased?.organizationId).toBe(organizationId)
    return leased ?? (yield* Effect.dieMessage("nothing was due"))
  })
const answered = (status: number): Attempt => ({
  status,
  error: status < 300 ? null : `answered ${status}`,
  answer: null
})

describe("a webhook", () => {
  test(
    "gets no event from before it was added, whenever that is numbered",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      yield* recordEvents(id, near(1), near(2))
      const { webhook } = yield* add(id)
      yield* recordEvents(id, near(3))
      yield* numberBatch(id)
      expect(yield* newestSequence(id)).toBe(3)
      expect(yield* usedIn(yield* deliveries(id, webhook.id))).toStrictEqual([3])
    })
  )

  test(
    "gets frequent types only if it names them in full",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const patterns = [["*"], ["service.*"], ["service.scaled"], ["*", "instance.restarted"]]
      const added = yield* Effect.forEach(patterns, (types) => add(id, undefined, types))
      yield* recordEvents(
        id,
        { type: "service.scaled", ...eventKinds["service.scaled"].example },
        { type: "instance.restarted", ...eventKinds["instance.restarted"].example },
        { type: "service.deleted", ...eventKinds["service.deleted"].example }
      )
      yield* numberBatch(id)
      const sql = yield* SqlClient
      const typesOf = (found: ReadonlyArray<WebhookDelivery>) =>
        Effect.map(
          sql<{ type: string }>`
            select type from events where ${sql.in(
              "id",
              found.map((each) => each.event)
            )} order by type`,
          (rows) => rows.map(({ type }) => type)
        )
      const got = yield* Effect.forEach(added, ({ webhook }) => Effect.flatMap(deliveries(id, webhook.id), typesOf))
      expect(got).toStrictEqual([
        ["service.deleted"],
        ["service.deleted"],
        ["service.scaled"],
        ["instance.restarted", "service.deleted"]
      ])
    })
  )

  test(
    "is refused with a pattern that only matches frequent types",
    Effect.sync(() => {
      const create = (types: ReadonlyArray<string>) =>
        Schema.decodeUnknownEither(CreateWebhook)({ url: "https://hooks.example.com/x", types })
      for (const types of [["service.*"], ["drift.*"], ["instance.evicted"]])
        expect(Either.isRight(create(types))).toBe(true)
      const refused = create(["instance.*"])
      expect(Either.isLeft(refused) && refused.left.message).toContain('"instance.restarted", "instance.evicted"')
    })
  )

  test(
    "gets what occurred while it was enabled, and nothing of the time between",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* add(id)
      yield* recordEvents(id, near(1))
      yield* set(id, webhook.id, "disabled")
      yield* recordEvents(id, near(2))
      yield* set(id, webhook.id, "enabled")
      yield* recordEvents(id, near(3))
      yield* numberBatch(id)
      expect(yield* usedIn(yield* deliveries(id, webhook.id))).toStrictEqual([1, 3])
      // Also if the events of that time are numbered long after.
      yield* set(id, webhook.id, "disabled")
      yield* recordEvents(id, ...Array.from({ length: eventsAtOnce + 1 }, () => near(4)))
      yield* set(id, webhook.id, "enabled")
      while (yield* numberBatch(id)) {}
      expect(yield* usedIn(yield* deliveries(id, webhook.id))).toStrictEqual([1, 3])
    })
  )

  test(
    "gets every event if the database's clock was set back after it was added",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* add(id)
      const sql = yield* SqlClient
      yield* sql`update webhooks set receives_from = now() + interval '1 hour' where id = ${webhook.id}`
      yield* recordEvents(id, near(1))
      yield* numberBatch(id)
      expect((yield* deliveries(id, webhook.id)).length).toBe(1)
    })
  )

  test(
    "that is disabled can't be tested or redelivered to, and what waits for it has no next attempt",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* add(id)
      const webhooks = yield* Webhooks
      const sent = yield* webhooks.test(id, webhook.id)
      expect(sent.nextAttemptAt).not.toBeNull()
      const sql = yield* SqlClient
      yield* sql`
        update webhook_deliveries set available_at = now() + interval '5 hours', give_up_at = now() - interval '1 hour'
        where id = ${sent.id}`
      yield* set(id, webhook.id, "disabled")
      const [waiting] = yield* deliveries(id, webhook.id)
      expect([waiting?.state, waiting?.nextAttemptAt]).toStrictEqual(["pending", null])
      const refusals = [webhooks.test(id, webhook.id), webhooks.redeliver(id, webhook.id, sent.id)]
      for (const refusal of refusals) {
        expect(yield* Effect.flip(refusal)).toMatchObject({
          _tag: "Conflict",
          detail: `The webhook ${webhook.id} is disabled. Enable it first: \`maxcloud webhooks enable ${webhook.id}\`.`
        })
      }
      // Enabled again, it gets what waited: now, and for days.
      yield* set(id, webhook.id, "enabled")
      yield* numberBatch(id)
      expect(yield* claimOwn(id)).toMatchObject({ id: sent.id, isLast: false })
    })
  )

  test(
    "is signed for by each secret until its own end; a rotation beyond the bound is refused with the time when it's possible",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* add(id)
      const webhooks = yield* Webhooks
      const count = Effect.map(validSecrets(id, webhook.id), (found) => found.length)
      for (let nth = 2; nth <= mostSecrets; nth++) {
        yield* webhooks.rotateSecret(id, webhook.id, 3_600 * nth)
        expect(yield* count).toBe(nth)
      }
      const sql = yield* SqlClient
      const [{ first } = { first: new Date(0) }] = yield* sql<{ first: Date }>`
        select min(valid_until) as first from webhook_secrets where webhook_id = ${webhook.id}`
      const refused = yield* Effect.flip(webhooks.rotateSecret(id, webhook.id, 60))
      expect(refused._tag).toBe("Conflict")
      expect(refused.detail).toContain(`Rotate again after ${first.toISOString()}`)
      expect(yield* count).toBe(mostSecrets)
      yield* sql`
        update webhook_secrets set valid_until = clock_timestamp() where webhook_id = ${webhook.id} 
          and valid_until = (select min(valid_until) from webhook_secrets where webhook_id = ${webhook.id})`
      yield* webhooks.rotateSecret(id, webhook.id, 60)
      expect(yield* count).toBe(mostSecrets)
      // A leaked secret may be any of them: without an overlap they all end.
      yield* webhooks.rotateSecret(id, webhook.id, 0)
      expect(yield* count).toBe(1)
    })
  )
})

describe("an attempt that isn't ours any more", () => {
  const attempt = (
    status: number,
    meanwhile: (organizationId: OrganizationId, id: WebhookId) => Effect.Effect<unknown, unknown, Webhooks | SqlClient>
  ) =>
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* add(id)
      const webhooks = yield* Webhooks
      const sql = yield* SqlClient
      yield* webhooks.test(id, webhook.id)
      yield* numberBatch(id)
      const leased = yield* claimOwn(id)
      yield* meanwhile(id, webhook.id)
      const before = yield* webhooks.get(id, webhook.id)
      yield* deliverWebhook(yield* DataKeys, yield* Mail, () => Effect.succeed(answered(status)), 60_000, leased)
      expect(yield* webhooks.get(id, webhook.id)).toStrictEqual(before)
      expect(
        yield* sql`select 1 from events where organization_id = ${id} and type = 'webhook.disabled'`
      ).toStrictEqual([])
      yield* webhooks.remove(id, webhook.id)
    })
  const redelivered = (organizationId: OrganizationId, id: WebhookId) =>
    Effect.gen(function* () {
      const [delivery] = yield* deliveries(organizationId, id)
      if (delivery === undefined) return expect.unreachable("none")
      yield* Effect.flatMap(Webhooks, (webhooks) => webhooks.redeliver(organizationId, id, delivery.id))
    })

  test("doesn't disable the webhook", attempt(410, redelivered))

  test("doesn't note a failure", attempt(500, redelivered))

  test(
    "doesn't end a failure",
    attempt(200, (organizationId, id) =>
      Effect.andThen(
        redelivered(organizationId, id),
        Effect.flatMap(SqlClient, (sql) => sql`update webhooks set failing_since = now() where id = ${id}`)
      )
    )
  )

  test(
    "says nothing about a URL that the webhook has had since",
    attempt(410, (organizationId, id) =>
      Effect.flatMap(Webhooks, (webhooks) =>
        webhooks.change(organizationId, id, change({ url: "https://hooks.example.com/new" }))
      )
    )
  )
})

describe("events", () => {
  test(
    "are numbered in batches, by no reader",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const { webhook } = yield* add(id)
      yield* recordEvents(id, ...Array.from({ length: 2 * eventsAtOnce + 1 }, (_, n) => near(n)))
      const query = { types: readableTypes(["*"], ["owner"]) }
      const read = yield* pageOfEvents(id, query, EventList.pagingOf({}))
      expect([read.items, yield* newestSequence(id)]).toStrictEqual([[], 0])
      expect(yield* deliveries(id, webhook.id)).toStrictEqual([])
      const heads: Array<number> = []
      for (let isMore = true; isMore; ) {
        isMore = yield* numberBatch(id)
        heads.push(yield* newestSequence(id))
      }
      expect(heads).toStrictEqual([eventsAtOnce, 2 * eventsAtOnce, 2 * eventsAtOnce + 1])
    })
  )

  test(
    "of an organization are numbered though another one's can't be",
    Effect.gen(function* () {
      const [broken, sound] = [yield* newOrganization, yield* newOrganization]
      expect(broken.id < sound.id).toBe(true)
      const sql = yield* SqlClient
      // The number that comes next is taken.
      yield* recordEvents(broken.id, near(1))
      yield* sql`update events set sequence = 1 where organization_id = ${broken.id}`
      yield* recordEvents(broken.id, near(2))
      yield* Layer.build(EventNumbering.layer({ lookMs: 50 }))
      yield* recordEvents(sound.id, near(3))
      const query = { types: readableTypes(["*"], ["owner"]) }
      const page = pageOfEvents(sound.id, query, EventList.pagingOf({}))
      yield* page.pipe(
        Effect.repeat({ until: ({ items }) => items.length === 1 }),
        Effect.timeoutFail({ duration: "20 seconds", onTimeout: () => new Error("it was never numbered") })
      )
      yield* sql`delete from events where organization_id = ${broken.id}`
    }).pipe(Effect.scoped)
  )
})

test(
  "no mail is sent for an attempt that isn't ours",
  Effect.sync(() => expect(mailed).toStrictEqual([]))
)
