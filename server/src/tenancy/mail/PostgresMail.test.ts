import { SqlClient } from "@effect/sql/SqlClient"
import { describe, expect, layer, it as test } from "@effect/vitest"
import { Context, Effect, Layer, Logger, Queue, Redacted } from "effect"
import * as fc from "fast-check"
import { layerTest as database } from "../../../test/database/layerTest.ts"
import * as keys from "../../../test/keys/layerTest.ts"
import { makeCertificate, smtpSink } from "../../../test/mail/testSmtp.ts"
import { asNobody } from "../../base/database/RowScope.ts"
import { mailBackoffMs } from "./backoff.ts"
import { Mail, MailError, MailTransport, type Message } from "./Mail.ts"
import * as PostgresMail from "./PostgresMail.ts"
import { makeSmtp } from "./smtp.ts"

const hello: Message = { to: "ada@example.org", subject: "Hello", text: "https://localhost/auth/verify?token=canary-1" }

/** A server's `Mail`, with a transport that records its mails, and fails with `outcome` of the nth. */
const server = (
  outcome: (nth: number) => MailError | "hangs" | undefined = () => undefined,
  options: PostgresMail.OutboxOptions = {}
) =>
  Effect.gen(function* () {
    const sent = yield* Queue.unbounded<{ readonly message: Message; readonly id: string }>()
    let count = 0
    const send = (message: Message, id: string) =>
      Effect.suspend(() => {
        const result = outcome(++count)
        const told = Queue.offer(sent, { message, id })
        if (result === "hangs") return Effect.zipRight(told, Effect.never)
        return result === undefined ? Effect.asVoid(told) : Effect.zipRight(told, result)
      })
    const context = yield* Layer.build(
      Layer.fresh(PostgresMail.layer({ lookMs: 100, ...options })).pipe(
        Layer.provide(Layer.succeed(MailTransport, { name: "smtp", send }))
      )
    )
    return { add: Context.get(context, Mail).add, sent, count: () => count }
  })

const rows = Effect.flatMap(SqlClient, (sql) => sql<{ id: string; attempts: number }>`select * from mail_outbox`)
const emptied = rows.pipe(Effect.repeat({ until: (each) => each.length === 0 }), Effect.timeout("5 seconds"))
const due = Effect.flatMap(SqlClient, (sql) => sql`update mail_outbox set available_at = now()`)

layer(Layer.provideMerge(keys.layerTest, database), { excludeTestServices: true })("the outbox", (it) => {
  it.effect("sends a mail once its transaction is committed, and not if it's rolled back", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { add, count, sent } = yield* server()
      yield* sql
        .withTransaction(Effect.zipRight(add("verify", { ...hello, subject: "never" }), Effect.fail("no")))
        .pipe(Effect.ignore)
      yield* sql.withTransaction(
        Effect.gen(function* () {
          yield* add("verify", hello)
          yield* Effect.sleep("250 millis")
          expect(count()).toBe(0)
        })
      )
      expect((yield* Queue.take(sent)).message).toStrictEqual(hello)
      yield* emptied
      expect(count()).toBe(1)
    }).pipe(Effect.scoped)
  )

  it.effect("accepts mail in a request that sees no rows, wakes at once, and keeps it sealed", () =>
    Effect.gen(function* () {
      const { add, sent } = yield* server((nth) => (nth === 1 ? "hangs" : undefined), { lookMs: 60_000, drainMs: 50 })
      yield* asNobody(add("signIn", hello))
      yield* Queue.take(sent).pipe(Effect.timeout("2 seconds"))
      const [row] = yield* rows
      expect(JSON.stringify(row)).not.toContain("canary-1")
      const sql = yield* SqlClient
      const [found] = yield* sql<{ hit: boolean }>`
        select position('canary-1'::bytea in sealed) > 0 or position('ada@'::bytea in sealed) > 0 as hit from mail_outbox`
      expect(found?.hit).toBe(false)
      yield* sql`delete from mail_outbox`
    }).pipe(Effect.scoped)
  )

  it.effect("retries until the mail is accepted, always with the same id", () =>
    Effect.gen(function* () {
      const away = new MailError({ message: "away", final: false })
      const { add, sent } = yield* server((nth) => (nth < 3 ? away : undefined))
      yield* add("invite", hello)
      const ids = new Set<string>()
      for (let nth = 1; nth <= 3; nth++) {
        const { id } = yield* Queue.take(sent).pipe(
          Effect.timeoutFail({ duration: "150 millis", onTimeout: () => "not yet" }),
          Effect.tapError(() => due),
          Effect.retry({ times: 30 })
        )
        ids.add(id)
      }
      expect(ids.size).toBe(1)
      yield* emptied
    }).pipe(Effect.scoped)
  )

  it.effect("waits before a retry as long as requested", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { add, sent } = yield* server(() => new MailError({ message: "busy", final: false, retryAfterMs: 900_000 }))
      yield* add("invite", hello)
      yield* Queue.take(sent)
      const read = sql<{ s: number; last_error: string | null }>`
        select extract(epoch from available_at - clock_timestamp())::float8 as s, last_error from mail_outbox`
      const [row] = yield* read.pipe(
        Effect.repeat({ until: (value) => value[0]?.last_error != null }),
        Effect.timeout("5 seconds")
      )
      expect(row?.s ?? 0).toBeGreaterThan(850)
      expect(row?.last_error).toBe("busy")
      yield* sql`delete from mail_outbox`
    }).pipe(Effect.scoped)
  )

  it.effect("gives up after a final refusal or a day, and logs that once, without the address", () => {
    const lines: Array<string> = []
    return Effect.gen(function* () {
      const sql = yield* SqlClient
      const { add, count, sent } = yield* server((nth) => new MailError({ message: "refused", final: nth === 1 }))
      yield* add("invite", hello)
      yield* Queue.take(sent)
      yield* emptied
      yield* sql.withTransaction(
        Effect.zipRight(
          add("invite", hello),
          sql`update mail_outbox set created_at = now() - interval '25 hours', attempts = 20`
        )
      )
      yield* Queue.take(sent)
      yield* emptied
      yield* Effect.sleep("250 millis")
      expect(count()).toBe(2)
      const log = lines.join("\n")
      expect(
        lines.filter((line) => line.includes("gave up")),
        log
      ).toHaveLength(2)
      expect(log).not.toContain("ada@")
      expect(log).not.toContain("canary-1")
    }).pipe(
      Effect.scoped,
      Effect.provide(
        Logger.replace(
          Logger.defaultLogger,
          Logger.map(Logger.stringLogger, (line) => void lines.push(line))
        )
      )
    )
  })

  it.effect("a dead server's mail is sent by another after its lease, and not before", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { add, sent } = yield* server()
      yield* sql.withTransaction(
        Effect.zipRight(
          add("verify", hello),
          sql`update mail_outbox set attempts = 1, lease_until = clock_timestamp() + interval '700 milliseconds'`
        )
      )
      const before = yield* Queue.take(sent).pipe(Effect.timeoutOption("400 millis"))
      expect(before._tag).toBe("None")
      yield* Queue.take(sent).pipe(Effect.timeout("3 seconds"))
      yield* emptied
    }).pipe(Effect.scoped)
  )

  it.effect("two servers send each of 40 mails once", () =>
    Effect.gen(function* () {
      const one = yield* server()
      const two = yield* server()
      const subjects = Array.from({ length: 40 }, (_, index) => `mail ${index}`)
      yield* Effect.forEach(subjects, (subject) => one.add("invite", { ...hello, subject }), { concurrency: 8 })
      yield* emptied
      const all = [...(yield* Queue.takeAll(one.sent)), ...(yield* Queue.takeAll(two.sent))]
      expect(all.map((error) => error.message.subject).sort()).toEqual(subjects.sort())
    }).pipe(Effect.scoped)
  )

  it.effect("a mail server that answers 451 gets the mail again, and accepts it", () =>
    Effect.gen(function* () {
      const sink = yield* smtpSink(makeCertificate(), { refuse: (nth) => (nth === 1 ? 451 : undefined) })
      const url = Redacted.make(`smtp://127.0.0.1:${sink.port}`)
      const context = yield* Layer.build(
        Layer.fresh(PostgresMail.layer({ lookMs: 100 })).pipe(
          Layer.provide(Layer.succeed(MailTransport, makeSmtp({ from: "cloud@example.com", url })))
        )
      )
      yield* Context.get(context, Mail).add("verify", hello)
      yield* due.pipe(
        Effect.delay("100 millis"),
        Effect.repeat({ until: () => sink.taken.length > 0 }),
        Effect.timeout("5 seconds")
      )
      yield* emptied
      expect(sink.taken).toHaveLength(1)
      expect(sink.taken[0]?.raw).toContain("canary-1")
    }).pipe(Effect.scoped)
  )
})

describe("the pause before a mail is retried", () => {
  test("is 2.5 seconds to 90 minutes, or as long as requested within a day", () => {
    fc.assert(
      fc.property(
        fc.nat(10_000),
        fc.nat(100_000_000),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (attempts, after, random) => {
          const ms = mailBackoffMs(attempts, after, random)
          expect(ms).toBeGreaterThanOrEqual(Math.max(2_500, Math.min(after, 86_400_000)))
          expect(ms).toBeLessThanOrEqual(Math.max(5_400_000, Math.min(after, 86_400_000)))
          expect(mailBackoffMs(attempts, 0, random)).toBeLessThanOrEqual(mailBackoffMs(attempts + 1, 0, random))
        }
      )
    )
  })
})
