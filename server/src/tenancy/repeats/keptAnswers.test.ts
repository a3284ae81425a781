import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Context, Deferred, Effect, Exit, Fiber, Layer, ManagedRuntime } from "effect"
import fc from "fast-check"
import { layerTest as databaseTest } from "../../../test/database/layerTest.ts"
import { layerTest as keysTest } from "../../../test/keys/layerTest.ts"
import { newId } from "../../base/database/newId.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import { Audit } from "../audit/Audit.ts"
import * as PostgresAudit from "../audit/PostgresAudit.ts"
import { Organizations, layer as organizations } from "../organizations/Organizations.ts"
import { KeptAnswers, keptKeys, type Outcome, type RequestKey } from "./KeptAnswers.ts"
import { KeyedRequest, noteCarriedOut } from "./KeyedRequest.ts"
import { layer } from "./PostgresKeptAnswers.ts"

class Other extends Context.Tag("Other")<Other, KeptAnswers["Type"]>() {}
class Quick extends Context.Tag("Quick")<Quick, KeptAnswers["Type"]>() {}
/** Servers on one database. `Quick` has short leases. */
const servers = Layer.mergeAll(
  Layer.fresh(layer()),
  Layer.effect(Other, KeptAnswers).pipe(Layer.provide(Layer.fresh(layer()))),
  Layer.effect(Quick, KeptAnswers).pipe(Layer.provide(Layer.fresh(layer({ leaseMs: 1_000 }))))
)
const server = ManagedRuntime.make(
  servers.pipe(
    Layer.provideMerge(PostgresAudit.layer()),
    Layer.provideMerge(Layer.merge(keysTest, organizations)),
    Layer.provideMerge(databaseTest)
  )
)
beforeAll(() => server.runPromise(Effect.void))
afterAll(() => server.dispose())
type Needs = ManagedRuntime.ManagedRuntime.Context<typeof server>
const test = (name: string, run: Effect.Effect<void, unknown, Needs>) => it(name, () => server.runPromise(run))

let made = 0
const newOrganization = Effect.flatMap(Organizations, (all) => all.create(OrganizationName.make(`org-${++made}`)))

const requestOf = (organizationId: OrganizationId, rest: Partial<RequestKey> = {}): RequestKey => ({
  organizationId,
  caller: "local",
  operation: "auth.createApiKey",
  key: "k",
  digest: "a",
  ...rest
})

/** The request's effect: an entry in the audit log, in a transaction with its id. */
const makeThing = (organizationId: OrganizationId, id?: string) =>
  transaction(
    Effect.gen(function* () {
      const audit = yield* Audit
      yield* noteCarriedOut(id)
      yield* audit.append({
        action: "auth.createApiKey",
        outcome: "succeeded",
        status: 201,
        subject: id ?? "a key",
        organizationId
      })
    })
  )
const things = (organizationId: OrganizationId) =>
  Effect.map(
    Effect.flatMap(SqlClient, (sql) => sql`select 1 from audit_entries where organization_id = ${organizationId}`),
    (rows) => rows.length
  )
const answerOf = (answer: string): Outcome<string> => ({ value: answer, succeeded: true, answer })
const refusal: Outcome<string> = { value: "refused", succeeded: false, answer: undefined }

/** As if the server that holds the request had been silent for too long. */
const expireLeases = (organizationId: OrganizationId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      update keyed_requests set lease_until = clock_timestamp() - interval '1 second'
      where organization_id = ${organizationId} and lease_until is not null`
  )
const rowsOf = (organizationId: OrganizationId) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ key: string; answer: Uint8Array | null; digest: Uint8Array }>`
      select key, answer, digest from keyed_requests where organization_id = ${organizationId} order by created_at, key`
  )

describe("a request with a key", () => {
  test(
    "is carried out once if it comes 20 times at once to two servers; the others wait for its answer, or get it",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const all = [yield* KeptAnswers, yield* Other]
      const ask = (n: number) =>
        Effect.either(
          all[n % 2]?.once(requestOf(id), Effect.as(makeThing(id), answerOf(`${n}`))) ?? Effect.die("no server")
        )
      const answers = yield* Effect.all(
        Array.from({ length: 20 }, (_, n) => ask(n)),
        { concurrency: "unbounded" }
      )
      const now = answers.filter((each) => each._tag === "Right" && each.right._tag === "now")
      expect(now).toHaveLength(1)
      for (const each of answers) {
        if (each._tag === "Left") expect(each.left).toMatchObject({ _tag: "RequestInProgress", retryAfterSeconds: 1 })
      }
      expect(yield* things(id)).toBe(1)
      const later = yield* ask(21)
      const [first] = now
      if (first?._tag !== "Right" || first.right._tag !== "now") return expect.unreachable()
      expect(later).toMatchObject({ right: { _tag: "kept", answer: first.right.value } })
    })
  )

  test(
    "is a different one for another caller, operation, organization or key, and is refused with different content",
    Effect.gen(function* () {
      const [a, b] = [yield* newOrganization, yield* newOrganization]
      const answers = yield* KeptAnswers
      const ask = (request: RequestKey) =>
        answers.once(request, Effect.as(makeThing(request.organizationId), answerOf("done")))
      for (const request of [
        requestOf(a.id),
        requestOf(a.id, { caller: "key key_1" }),
        requestOf(a.id, { operation: "services.create" }),
        requestOf(a.id, { key: "l" }),
        requestOf(b.id)
      ]) {
        expect(yield* ask(request)).toMatchObject({ _tag: "now" })
      }
      expect(yield* Effect.flip(ask(requestOf(a.id, { digest: "b" })))).toMatchObject({ _tag: "IdempotencyKeyReused" })
      expect([yield* things(a.id), yield* things(b.id)]).toEqual([4, 1])
    })
  )

  test(
    "leaves its key free if it was refused, failed, or broke off before a commit",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const answers = yield* KeptAnswers
      const ask = <A, E, R>(carryOut: Effect.Effect<Outcome<A>, E, R>) => answers.once(requestOf(id), carryOut)
      expect(yield* ask(Effect.succeed(refusal))).toMatchObject({ _tag: "now", value: "refused" })
      expect(yield* Effect.flip(ask(Effect.fail("no")))).toBe("no")
      expect(Exit.isFailure(yield* Effect.exit(ask(Effect.die("broken"))))).toBe(true)
      const half = transaction(Effect.andThen(makeThing(id), Effect.fail("rolled back")))
      expect(yield* Effect.flip(ask(half))).toBe("rolled back")
      const waits = yield* Effect.fork(ask(Effect.never))
      yield* Effect.yieldNow()
      yield* Fiber.interrupt(waits)
      expect(yield* rowsOf(id)).toEqual([])
      expect(yield* ask(Effect.as(makeThing(id), answerOf("done")))).toMatchObject({ _tag: "now", again: false })
      expect(yield* things(id)).toBe(1)
    })
  )

  test(
    "is taken over from a silent server, whose late commit is rolled back",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const [first, second] = [yield* KeptAnswers, yield* Other]
      const [begun, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
      const slow = Deferred.succeed(begun, undefined).pipe(
        Effect.andThen(Deferred.await(goOn)),
        Effect.andThen(makeThing(id)),
        Effect.as(answerOf("slow"))
      )
      const frozen = yield* Effect.fork(Effect.exit(first.once(requestOf(id), slow)))
      yield* Deferred.await(begun)
      const quick = second.once(requestOf(id), Effect.as(makeThing(id), answerOf("quick")))
      expect(yield* Effect.flip(quick)).toMatchObject({ _tag: "RequestInProgress" })
      yield* expireLeases(id)
      expect(yield* quick).toMatchObject({ _tag: "now", value: "quick", again: false })
      yield* Deferred.succeed(goOn, undefined)
      expect(Exit.isFailure(yield* Fiber.join(frozen))).toBe(true)
      expect(yield* things(id)).toBe(1)
      expect(yield* first.once(requestOf(id), Effect.die("never"))).toEqual({ _tag: "kept", answer: "quick" })
    })
  )

  test(
    "is stopped once another server has taken it over, or if its lease can't be renewed",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const sql = yield* SqlClient
      const quick = yield* Quick
      const begin = (key: string) =>
        Effect.gen(function* () {
          const [begun, stopped] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
          const work = Deferred.succeed(begun, undefined).pipe(
            Effect.andThen(Effect.never),
            Effect.onInterrupt(() => Deferred.succeed(stopped, undefined))
          )
          const fiber = yield* Effect.fork(Effect.flip(quick.once(requestOf(id, { key }), work)))
          yield* Deferred.await(begun)
          return { error: Fiber.join(fiber), stopped: Deferred.await(stopped) }
        })
      const taken = yield* begin("taken")
      yield* sql`update keyed_requests set attempt = 'another' where organization_id = ${id}`
      yield* taken.stopped
      expect(yield* taken.error).toMatchObject({ _tag: "RequestInProgress" })

      const silent = yield* begin("silent")
      yield* sql`select 1 from keyed_requests where organization_id = ${id} for update`.pipe(
        Effect.andThen(silent.stopped),
        Effect.andThen(sql`
          select 1 from keyed_requests
          where organization_id = ${id} and key = 'silent' and lease_until > clock_timestamp()`),
        Effect.tap((rows) => expect(rows).toHaveLength(1)),
        sql.withTransaction
      )
      expect(yield* silent.error).toMatchObject({ _tag: "Unavailable" })
    })
  )

  test(
    "that was committed without an answer is never repeated: its result is read again, or the answer is lost",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const [first, second] = [yield* KeptAnswers, yield* Other]
      const dies = (request: RequestKey, thing?: string) =>
        Effect.gen(function* () {
          const committed = yield* Deferred.make<void>()
          const fiber = yield* Effect.fork(
            first.once(
              request,
              makeThing(id, thing).pipe(
                Effect.andThen(Deferred.succeed(committed, undefined)),
                Effect.andThen(Effect.never)
              )
            )
          )
          yield* Deferred.await(committed)
          yield* expireLeases(id)
          return fiber
        })
      const nameless = requestOf(id)
      const named = requestOf(id, { key: "named" })
      yield* dies(nameless)
      yield* dies(named, "dep_1")
      expect(yield* Effect.flip(second.once(nameless, Effect.die("never")))).toMatchObject({ _tag: "AnswerLost" })
      const again = Effect.map(KeyedRequest, (keyed) => answerOf(`read ${keyed?.made}`))
      expect(yield* second.once(named, again)).toEqual({ _tag: "now", value: "read dep_1", again: true })
      expect(yield* second.once(named, Effect.die("never"))).toEqual({ _tag: "kept", answer: "read dep_1" })
      expect(yield* things(id)).toBe(2)
    })
  )

  test(
    "is sealed at rest, kept for 24 hours, and forgotten first if an organization has too many",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const sql = yield* SqlClient
      const answers = yield* KeptAnswers
      const ask = (key: string) =>
        answers.once(requestOf(id, { key, digest: "digest-word" }), Effect.succeed(answerOf("answer-word")))
      yield* ask("old")
      const [row] = yield* rowsOf(id)
      const stored = Buffer.concat([row?.answer ?? new Uint8Array(), row?.digest ?? new Uint8Array()]).toString(
        "latin1"
      )
      expect(stored).not.toMatch(/answer-word|digest-word/)
      yield* sql`update keyed_requests set created_at = now() - interval '25 hours' where organization_id = ${id}`
      expect(yield* ask("old")).toMatchObject({ _tag: "now" })
      expect(yield* ask("old")).toMatchObject({ _tag: "kept" })
      yield* sql`
        insert into keyed_requests (organization_id, caller, operation, key, digest_by, digest, attempt, created_at)
        select ${id}, 'local', 'x', n::text, 'k', '', 'a', now() - interval '1 hour' + n * interval '1 millisecond'
        from generate_series(1, ${keptKeys}) n`
      yield* ask("newest")
      const left = (yield* rowsOf(id)).map(({ key }) => key)
      expect(left).toHaveLength(keptKeys)
      expect([left.includes("1"), left.includes("2"), left.includes("newest"), left.includes("old")]).toEqual([
        false,
        false,
        true,
        true
      ])
    })
  )

  test(
    "isn't carried out again if its answer is too large to store",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const answers = yield* KeptAnswers
      const large = answers.once(requestOf(id), Effect.as(makeThing(id), answerOf("x".repeat(100_000))))
      expect(yield* large).toMatchObject({ _tag: "now" })
      expect(yield* Effect.flip(large)).toMatchObject({ _tag: "AnswerLost" })
      expect(yield* things(id)).toBe(1)
    })
  )
})

/**
 * The outcome of one attempt. `dies`: its server is gone, before or after the commit. `wakes`: it was only frozen, and
 * continues later.
 */
type Fate = "answers" | "refuses" | "dies before" | "dies after" | "wakes"
const fates = fc.array(fc.constantFrom<Fate>("answers", "refuses", "dies before", "dies after", "wakes"), {
  minLength: 1,
  maxLength: 6
})

describe("requests with one key", () => {
  it("are carried out at most once, in any order of deaths, refusals and late returns, and never locked forever", () =>
    fc.assert(
      fc.asyncProperty(fates, fc.boolean(), (tries, named) =>
        server.runPromise(
          Effect.gen(function* () {
            const { id } = yield* newOrganization
            const both = [yield* KeptAnswers, yield* Other]
            const request = requestOf(id, { key: newId("k") })
            const thing = named ? "dep_1" : undefined
            const late: Array<{ readonly goOn: Deferred.Deferred<void>; readonly fiber: Fiber.Fiber<unknown> }> = []
            const carry = (fate: Fate, reached: Deferred.Deferred<void>, goOn: Deferred.Deferred<void>) =>
              Effect.gen(function* () {
                const isMade = (yield* KeyedRequest)?.made !== undefined
                const act = isMade ? Effect.void : makeThing(id, thing)
                const waits = Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(goOn))
                if (fate === "refuses" && !isMade) return refusal
                if (fate === "dies before") yield* Effect.andThen(waits, Effect.never)
                if (fate === "wakes") yield* waits
                yield* act
                if (fate === "dies after") yield* Effect.andThen(waits, Effect.never)
                return answerOf("the answer")
              })
            for (const [n, fate] of tries.entries()) {
              const [reached, goOn] = [yield* Deferred.make<void>(), yield* Deferred.make<void>()]
              const fiber = yield* Effect.fork(
                Effect.either(both[n % 2]?.once(request, carry(fate, reached, goOn)) ?? Effect.die("no server"))
              )
              yield* Effect.race(Effect.exit(Fiber.join(fiber)), Deferred.await(reached))
              late.push({ goOn, fiber })
              yield* expireLeases(id)
              expect(yield* things(id)).toBeLessThanOrEqual(1)
            }
            const last = yield* Effect.either(
              (yield* Other).once(
                request,
                Effect.as(named && (yield* things(id)) > 0 ? Effect.void : makeThing(id, thing), answerOf("the answer"))
              )
            )
            for (const { goOn } of late) yield* Deferred.succeed(goOn, undefined)
            for (const { fiber } of late) yield* Fiber.interrupt(fiber)
            expect(yield* things(id)).toBe(1)
            if (last._tag === "Left") expect(last.left).toMatchObject({ _tag: "AnswerLost" })
          })
        )
      ),
      { numRuns: 25 }
    ))
})
