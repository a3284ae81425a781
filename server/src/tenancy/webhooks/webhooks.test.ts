import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, it } from "@effect/vitest"
import {
  ChangeWebhook,
  CloudEvent,
  CreateWebhook,
  DeliveryList,
  type OrganizationId,
  type WebhookId,
  WebhookList
} from "@maxcloud/sdk/api"
import { Effect, Layer, Redacted, Schema } from "effect"
import { Webhook } from "standardwebhooks"
import { databaseTest, madeDataDir } from "../../../test/database/layerTest.ts"
import { makeFakeRuntime } from "../../../test/deployments/fakeRuntime.ts"
import { newOrganization, testServer } from "../../../test/deployments/testServer.ts"
import { runtimeTests } from "../../../test/runtimeTests.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import * as EventNumbering from "../events/EventNumbering.ts"
import { recordEvents } from "../events/recordEvents.ts"
import { Mail } from "../mail/Mail.ts"
import * as PostgresWebhooks from "./PostgresWebhooks.ts"
import { deliveryBackoffMs, longestWaitMs } from "./schedule.ts"
import { Webhooks } from "./Webhooks.ts"
import * as WebhookWorker from "./WebhookWorker.ts"

const fake = await Effect.runPromise(makeFakeRuntime)
/** Two servers' workers on one database. */
const worker = () =>
  Layer.fresh(
    WebhookWorker.layer({ allowPrivate: true, lookMs: 100, leaseMs: 4_000, timeoutMs: 1_500, environment: {} })
  )
const { server } = runtimeTests(
  Layer.unwrapScoped(
    Effect.map(madeDataDir, (dataDir) =>
      Layer.mergeAll(
        worker(),
        worker(),
        EventNumbering.layer({ lookMs: 100 }),
        PostgresWebhooks.layer({ allowPrivate: true })
      ).pipe(
        Layer.provideMerge(Layer.succeed(Mail, { add: () => Effect.void })),
        Layer.provideMerge(testServer(fake.layer, dataDir, { resyncMs: 3_600_000 })),
        Layer.provideMerge(databaseTest({ dataDir }))
      )
    )
  )
)

interface Got {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
type Handler = (got: Got, response: ServerResponse, nth: number) => void

const bodyOf = async (request: IncomingMessage) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** A receiver on loopback that records its requests. */
const receiver = (handle: Handler) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const got: Array<Got> = []
      const http = createServer((request, response) => {
        void bodyOf(request).then((body) => {
          const headers = Object.fromEntries(
            Object.entries(request.headers).map(([name, value]) => [name, String(value)])
          )
          got.push({ headers, body })
          handle({ headers, body }, response, got.length)
        })
      }).listen(0, "127.0.0.1")
      await once(http, "listening")
      const address = http.address()
      return { got, http, url: `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/hook` }
    }),
    ({ http }) =>
      Effect.sync(() => {
        http.closeAllConnections()
        http.close()
      })
  )

const create = Schema.decodeUnknownSync(CreateWebhook)
const change = Schema.decodeUnknownSync(ChangeWebhook)
const add = (organizationId: OrganizationId, url: string, types = ["*"]) =>
  Effect.flatMap(Webhooks, (webhooks) => webhooks.create(organizationId, create({ url, types })))
const tested = (organizationId: OrganizationId, id: WebhookId) =>
  Effect.flatMap(Webhooks, (webhooks) => webhooks.test(organizationId, id))

/** Its deliveries, once `is` holds. */
const until = (
  organizationId: OrganizationId,
  id: WebhookId,
  is: (all: ReadonlyArray<{ readonly state: string; readonly attempts: number }>) => boolean
) =>
  Effect.gen(function* () {
    const webhooks = yield* Webhooks
    for (;;) {
      const { items: found } = yield* webhooks.deliveries(organizationId, id, DeliveryList.pagingOf({}))
      if (is(found)) return found
      yield* Effect.sleep("30 millis")
    }
  }).pipe(Effect.timeoutFail({ duration: "40 seconds", onTimeout: () => new Error("it never came") }))

const dueNow = (organizationId: OrganizationId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`update webhook_deliveries set available_at = now() where organization_id = ${organizationId}`
  )
const answer =
  (status: number, headers: Record<string, string> = {}, body = "") =>
  (_: Got, response: ServerResponse) =>
    void response.writeHead(status, headers).end(body)

describe("webhooks", () => {
  it("get events whose signature the reference library accepts with their own secret only", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const { got, url } = yield* receiver(answer(204))
        const { secret, webhook } = yield* add(id, url, ["webhook.*"])
        expect(Redacted.value(secret)).toMatch(/^whsec_[A-Za-z0-9+/=]{44}$/)
        yield* tested(id, webhook.id)
        const [delivery] = yield* until(id, webhook.id, (all) => all[0]?.state === "delivered")
        const [message] = got
        if (message === undefined) return expect.unreachable("nothing came")
        const event: unknown = new Webhook(Redacted.value(secret)).verify(message.body, message.headers)
        const { id: eventId, subject, type } = Schema.decodeUnknownSync(CloudEvent)(event)
        expect([eventId, type, subject]).toStrictEqual([delivery?.event, "webhook.test", `webhooks/${webhook.id}`])
        expect(message.headers["webhook-id"]).toBe(eventId)
        expect(() =>
          new Webhook(`whsec_${Buffer.alloc(32).toString("base64")}`).verify(message.body, message.headers)
        ).toThrow()
        // No row contains the secret in plain text.
        const sql = yield* SqlClient
        const rows = yield* sql`
          select encode(sealed, 'escape') as text from webhook_secrets where webhook_id = ${webhook.id}`
        expect(JSON.stringify(rows)).not.toContain(Redacted.value(secret).slice(6))
      }).pipe(Effect.scoped)
    ))

  it("are signed with every valid secret while one is replaced", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const { got, url } = yield* receiver(answer(200))
        const { secret: former, webhook } = yield* add(id, url)
        const webhooks = yield* Webhooks
        const { secret: second } = yield* webhooks.rotateSecret(id, webhook.id, 3_600)
        const { secret } = yield* webhooks.rotateSecret(id, webhook.id, 3_600)
        yield* tested(id, webhook.id)
        yield* until(id, webhook.id, (all) => all[0]?.state === "delivered")
        for (const key of [former, second, secret])
          new Webhook(Redacted.value(key)).verify(got[0]?.body ?? "", got[0]?.headers ?? {})
        const { secret: last } = yield* webhooks.rotateSecret(id, webhook.id, 0)
        yield* tested(id, webhook.id)
        yield* until(id, webhook.id, (all) => all.length === 2 && all.every((one) => one.state === "delivered"))
        const next = got[1] ?? { body: "", headers: {} }
        new Webhook(Redacted.value(last)).verify(next.body, next.headers)
        for (const key of [former, second, secret])
          expect(() => new Webhook(Redacted.value(key)).verify(next.body, next.headers)).toThrow()
      }).pipe(Effect.scoped)
    ))

  it("get the types that they ask for, each event once, with two servers delivering", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const { got, url } = yield* receiver(answer(200))
        const { webhook } = yield* add(id, url, ["quota.*"])
        const near = (used: number) =>
          recordEvents(id, {
            type: "quota.near",
            subject: "quotas/services",
            data: { quota: "services", used, limit: 50 }
          })
        for (let used = 0; used < 25; used++) yield* near(used)
        yield* recordEvents(id, {
          type: "webhook.disabled",
          subject: "x",
          data: { webhook: webhook.id, because: "gone" }
        })
        yield* until(id, webhook.id, (all) => all.length === 25 && all.every((one) => one.state === "delivered"))
        expect(new Set(got.map((one) => one.headers["webhook-id"])).size).toBe(25)
      }).pipe(Effect.scoped)
    ))

  it("are retried with a pause after a refusal, a redirect and silence, until they're accepted", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const elsewhere = yield* receiver(answer(200))
        const { got, url } = yield* receiver((got, response, nth) => {
          if (nth === 1) answer(500, {}, "x".repeat(100_000))(got, response)
          else if (nth === 2) answer(302, { location: elsewhere.url })(got, response)
          else if (nth > 3) answer(200)(got, response)
        })
        const { webhook } = yield* add(id, url)
        yield* tested(id, webhook.id)
        const [first] = yield* until(
          id,
          webhook.id,
          (all) => all[0]?.attempts === 1 && "lastStatus" in all[0] && all[0].lastStatus === 500
        )
        expect(first?.state).toBe("pending")
        expect(first?.lastAnswer?.length).toBe(500)
        expect(Date.parse(first?.nextAttemptAt ?? "")).toBeGreaterThan(Date.now() + 1_000)
        yield* dueNow(id)
        const [second] = yield* until(
          id,
          webhook.id,
          (all) => all[0] !== undefined && "lastStatus" in all[0] && all[0].lastStatus === 302
        )
        expect(second?.lastError).toContain("redirects aren't followed")
        expect(elsewhere.got.length).toBe(0)
        yield* dueNow(id)
        const [third] = yield* until(
          id,
          webhook.id,
          (all) => all[0] !== undefined && "lastError" in all[0] && all[0].lastError === "No answer in time."
        )
        expect(third?.lastStatus).toBe(null)
        expect(
          (yield* Effect.flatMap(Webhooks, (webhooks) => webhooks.get(id, webhook.id))).failingSince
        ).not.toBeNull()
        yield* dueNow(id)
        yield* until(id, webhook.id, (all) => all[0]?.state === "delivered")
        expect((yield* Effect.flatMap(Webhooks, (webhooks) => webhooks.get(id, webhook.id))).failingSince).toBeNull()
        expect(new Set(got.map((one) => one.headers["webhook-id"])).size).toBe(1)
      }).pipe(Effect.scoped)
    ))

  it("wait as long as the receiver asks, and are given up after days, to be redelivered", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        let status = 503
        const { url } = yield* receiver((got, response) => answer(status, { "retry-after": "7200" })(got, response))
        const { webhook } = yield* add(id, url)
        const sql = yield* SqlClient
        yield* tested(id, webhook.id)
        const [first] = yield* until(
          id,
          webhook.id,
          (all) => all[0] !== undefined && "lastStatus" in all[0] && all[0].lastStatus === 503
        )
        expect(Date.parse(first?.nextAttemptAt ?? "")).toBeGreaterThan(Date.now() + 7_000_000)
        yield* sql`update webhook_deliveries set give_up_at = now() where organization_id = ${id}`
        yield* sql`update webhooks set receives_from = now() - interval '3 days' where organization_id = ${id}`
        yield* dueNow(id)
        const [failed] = yield* until(id, webhook.id, (all) => all[0]?.state === "failed")
        status = 200
        if (failed === undefined) return expect.unreachable("none")
        yield* Effect.flatMap(Webhooks, (webhooks) => webhooks.redeliver(id, webhook.id, failed.id))
        yield* until(id, webhook.id, (all) => all[0]?.state === "delivered")
      }).pipe(Effect.scoped)
    ))

  it("are disabled after days of failure and by 410, reported by an event, and deliver pending events once enabled", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        let status = 500
        const { got, url } = yield* receiver((got, response) => answer(status)(got, response))
        const { webhook } = yield* add(id, url)
        const sql = yield* SqlClient
        const webhooks = yield* Webhooks
        yield* tested(id, webhook.id)
        yield* until(
          id,
          webhook.id,
          (all) => all[0] !== undefined && "lastStatus" in all[0] && all[0].lastStatus === 500
        )
        yield* sql`update webhooks set failing_since = now() - interval '6 days' where id = ${webhook.id}`
        yield* dueNow(id)
        const disabled = sql`select data from events where organization_id = ${id} and type = 'webhook.disabled'`
        while ((yield* disabled).length === 0) yield* Effect.sleep("30 millis")
        expect(yield* webhooks.get(id, webhook.id)).toMatchObject({ state: "disabled", disabledBecause: "failing" })
        const refused = yield* Effect.flip(tested(id, webhook.id))
        expect(refused._tag).toBe("Conflict")
        const before = got.length
        yield* dueNow(id)
        yield* Effect.sleep("400 millis")
        expect(got.length).toBe(before)
        status = 200
        yield* webhooks.change(id, webhook.id, change({ state: "enabled" }))
        yield* until(id, webhook.id, (all) => all.every((one) => one.state === "delivered"))
        status = 410
        yield* tested(id, webhook.id)
        while ((yield* webhooks.get(id, webhook.id)).disabledBecause !== "gone") yield* Effect.sleep("30 millis")
      }).pipe(Effect.scoped, Effect.timeout("30 seconds"))
    ))

  it("of one organization with slow receivers don't block another's", () =>
    server.runPromise(
      Effect.gen(function* () {
        const slow = yield* newOrganization
        const quick = yield* newOrganization
        let open = 0
        let most = 0
        let tried = 0
        const silent = yield* receiver((_, response) => {
          most = Math.max(most, ++open)
          tried++
          response.on("close", () => open--)
        })
        const { webhook: bad } = yield* add(slow.id, silent.url)
        const { url } = yield* receiver(answer(200))
        const { webhook } = yield* add(quick.id, url)
        for (let n = 0; n < 30; n++) yield* tested(slow.id, bad.id)
        while (open === 0) yield* Effect.sleep("20 millis")
        yield* tested(quick.id, webhook.id)
        yield* until(quick.id, webhook.id, (all) => all[0]?.state === "delivered")
        // Not after the slow ones: most of them haven't been tried yet.
        expect(tried).toBeLessThan(30)
        // Two servers may each count before the other has leased.
        expect(most).toBeLessThanOrEqual(8)
        yield* Effect.flatMap(Webhooks, (webhooks) => webhooks.remove(slow.id, bad.id))
      }).pipe(Effect.scoped)
    ))

  it("go to no private address, whatever the URL or the name says", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const strict = yield* Layer.build(PostgresWebhooks.layer({ allowPrivate: false }))
        const addStrictly = (url: string) => Effect.provide(add(id, url), strict)
        for (const url of [
          "http://example.com/",
          "https://127.0.0.1/",
          "https://[::1]/",
          "https://[::ffff:10.0.0.1]/",
          "https://[::ffff:169.254.169.254]/",
          "https://10.0.0.7:8443/",
          "https://192.168.1.1/",
          "https://169.254.169.254/latest/meta-data/",
          "https://0x7f000001/",
          "https://2130706433/",
          "https://localhost/",
          "https://localhost./",
          "https://a.localhost/",
          "https://A.B.LOCALHOST./",
          "https://[fd00::1]/",
          "https://100.64.0.1/",
          "https://0.0.0.0/"
        ]) {
          expect((yield* Effect.flip(addStrictly(url)))._tag, url).toBe("Forbidden")
        }
        const { webhook } = yield* addStrictly("HTTPS://B\u00fccher.Example:443/services/T0/s3cret?key=s3cret")
        expect(webhook).toMatchObject({
          state: "enabled",
          url: "https://xn--bcher-kva.example/services/T0/s3cret?key=s3cret"
        })
        for (const url of [
          "ftp://example.com/",
          "https://user:password@example.com/",
          "no url",
          "https://example.com/#x"
        ]) {
          expect(() => create({ url }), undefined).toThrow(undefined)
        }
      }).pipe(Effect.scoped)
    ))

  it("of a dead server are made by another after its lease, and not before", () =>
    server.runPromise(
      Effect.gen(function* () {
        const { id } = yield* newOrganization
        const { got, url } = yield* receiver(answer(200))
        const { webhook } = yield* add(id, url)
        const sql = yield* SqlClient
        yield* transaction(
          Effect.andThen(
            tested(id, webhook.id),
            sql`
              update webhook_deliveries set attempts = 1, lease_until = clock_timestamp() + interval '2 seconds'
              where organization_id = ${id}`
          )
        )
        yield* Effect.sleep("1 second")
        expect(got.length).toBe(0)
        const [made] = yield* until(id, webhook.id, (all) => all[0]?.state === "delivered")
        expect([made?.attempts, got.length]).toStrictEqual([2, 1])
      }).pipe(Effect.scoped)
    ))

  it("are counted, and visible only to their own organization", () =>
    server.runPromise(
      Effect.gen(function* () {
        const mine = yield* newOrganization
        const others = yield* newOrganization
        const webhooks = yield* Webhooks
        for (let n = 0; n < 20; n++) yield* add(mine.id, `https://example.com/${n}`)
        expect((yield* Effect.flip(add(mine.id, "https://example.com/20")))._tag).toBe("Conflict")
        const paging = WebhookList.pagingOf({ limit: 15 })
        const page = yield* webhooks.page(mine.id, paging)
        const rest = yield* webhooks.page(mine.id, { ...paging, cursor: page.next ?? "" })
        const urls = [...page.items, ...rest.items].map((one) => one.url)
        expect(urls).toStrictEqual(Array.from({ length: 20 }, (_, n) => `https://example.com/${n}`))
        expect([page.items.length, rest.next]).toStrictEqual([15, null])
        const [first] = page.items
        if (first === undefined) return expect.unreachable("none")
        expect((yield* webhooks.page(others.id, paging)).items).toStrictEqual([])
        for (const attempt of [
          webhooks.get(others.id, first.id),
          webhooks.remove(others.id, first.id),
          webhooks.rotateSecret(others.id, first.id, 0),
          webhooks.test(others.id, first.id),
          webhooks.change(others.id, first.id, change({ state: "disabled" }))
        ]) {
          expect(
            (yield* Effect.flip(Effect.asVoid(attempt as Effect.Effect<unknown, { readonly _tag: string }>)))._tag
          ).toBe("NotFound")
        }
        expect((yield* webhooks.get(mine.id, first.id)).state).toBe("enabled")
      })
    ))

  it("are retried for days with pauses that grow to six hours", () => {
    const waits = Array.from({ length: 30 }, (_, n) => deliveryBackoffMs(n + 1, 0, 0.5))
    expect(waits.slice(0, 3)).toStrictEqual([5_000, 10_000, 20_000])
    expect(Math.max(...waits)).toBe(21_600_000)
    expect(deliveryBackoffMs(1, 999_999_999, 0)).toBe(longestWaitMs)
  })
})
