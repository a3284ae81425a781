import { createPublicKey, randomBytes, verify } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { UserId } from "@maxcloud/sdk/api"
import { Effect, Fiber, Layer, ManagedRuntime, Option, Queue, Redacted } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { layer as organizations } from "../../tenancy/organizations/Organizations.ts"
import { newId } from "../database/newId.ts"
import { asOrganization } from "../database/RowScope.ts"
import { transaction } from "../database/sqlErrors.ts"
import { DataKeys, type KeyOwner } from "./DataKeys.ts"
import { heldKey, masterKeyOf, withFormer } from "./heldKey.ts"
import { MasterKey, MasterKeyError } from "./MasterKey.ts"
import { layer } from "./PostgresDataKeys.ts"

const one = masterKeyOf(heldKey("the key one", randomBytes(32)))
const two = masterKeyOf(heldKey("the key two", randomBytes(32)))

const database = ManagedRuntime.make(Layer.provideMerge(organizations, layerTest))
beforeAll(() => database.runPromise(Effect.void))
afterAll(() => database.dispose())

/** Another server of the database, with a memory of its own. */
const asServerWith = (masterKey: MasterKey["Type"]) =>
  Effect.provide(Layer.fresh(layer.pipe(Layer.provide(Layer.succeed(MasterKey, masterKey)))))

const test = <E>(
  name: string,
  effect: Effect.Effect<unknown, E, SqlClient | ManagedRuntime.ManagedRuntime.Context<typeof database>>
) =>
  it(name, () =>
    database.runPromise(
      Effect.gen(function* () {
        const sql = yield* SqlClient
        yield* sql`delete from organization_keys`
        yield* sql`delete from person_keys`
        yield* sql`delete from server_keys`
        return yield* effect
      })
    )
  )

const person = (): KeyOwner => ({ type: "person", id: UserId.make(newId("usr")) })
const organization = Effect.map(newOrganization, ({ id }): KeyOwner & { type: "organization" } => ({
  type: "organization",
  id
}))
const plain = "hunter2 ✓"
const shown = Option.map((found: Redacted.Redacted) => Redacted.value(found))

describe("data keys", () => {
  test(
    "don't ask a key service that hangs while a transaction holds locks, and use its answer in the transaction",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const sql = yield* SqlClient
      const [asked, answers] = [yield* Queue.unbounded<"wrap" | "unwrap">(), yield* Queue.unbounded<void>()]
      const waits = (what: "wrap" | "unwrap") => Effect.zipRight(Queue.offer(asked, what), Queue.take(answers))
      const hanging: MasterKey["Type"] = {
        ...one,
        wrap: (...args) => Effect.zipRight(waits("wrap"), one.wrap(...args)),
        unwrap: (...args) => Effect.zipRight(waits("unwrap"), one.unwrap(...args))
      }
      const owner = { type: "organization", id } as const
      const locked = sql`select 1 from organizations where id = ${id} for update`
      /** Fails at once if anybody holds the lock. */
      const isFree = transaction(sql`select 1 from organizations where id = ${id} for update nowait`)
      const place = ["a"]
      const sealing = Effect.flatMap(DataKeys, (keys) =>
        transaction(Effect.zipRight(locked, keys.seal(owner, place, Redacted.make(plain))))
      )
      const made = yield* Effect.fork(asServerWith(hanging)(sealing))
      expect(yield* Queue.take(asked)).toBe("wrap")
      yield* isFree
      yield* Queue.offer(answers, undefined)
      const sealed = yield* Fiber.join(made)

      const opening = Effect.flatMap(DataKeys, (keys) =>
        transaction(Effect.zipRight(locked, keys.open(owner, place, sealed)))
      )
      const opened = yield* Effect.fork(asServerWith(hanging)(opening))
      // The check at the start of a server: not in a transaction.
      for (let n = 0; n < 2; n++) {
        expect(yield* Queue.take(asked)).toBe("unwrap")
        yield* isFree
        yield* Queue.offer(answers, undefined)
      }
      expect(shown(yield* Fiber.join(opened))).toEqual(Option.some(plain))
    })
  )

  test(
    "fail inside a transaction as outside, if the key service refuses",
    Effect.gen(function* () {
      const { id } = yield* newOrganization
      const refusing: MasterKey["Type"] = {
        ...one,
        wrap: () => new MasterKeyError({ reason: "unreachable", message: "the key service refuses" })
      }
      const sealing = Effect.flatMap(DataKeys, (keys) =>
        transaction(Effect.flip(keys.seal({ type: "organization", id }, ["a"], Redacted.make(plain))))
      )
      expect(yield* asServerWith(refusing)(sealing)).toMatchObject({ message: "the key service refuses" })
    })
  )

  test(
    "seal for an organization, a person and the server, under any row scope, and open on another server",
    Effect.gen(function* () {
      const of = yield* organization
      const owners: ReadonlyArray<KeyOwner> = [of, person(), { type: "server" }]
      const sealed = yield* Effect.forEach(owners, (owner) =>
        Effect.flatMap(DataKeys, (dataKeys) => dataKeys.seal(owner, ["a", 1], Redacted.make(plain)))
      ).pipe(asOrganization((yield* organization).id), asServerWith(one))
      for (const [index, owner] of owners.entries()) {
        const value = sealed[index]
        if (value === undefined) throw new Error("nothing was sealed")
        expect(Buffer.from(value.bytes).includes("hunter2")).toBe(false)
        const opened = yield* Effect.flatMap(DataKeys, (dataKeys) => dataKeys.open(owner, ["a", 1], value)).pipe(
          asServerWith(one)
        )
        expect(shown(opened)).toEqual(Option.some(plain))
      }
    })
  )

  test(
    "bind a value to its place and its owner, and report a change",
    Effect.gen(function* () {
      const keys = yield* DataKeys
      const [of, other] = [yield* organization, yield* organization]
      const sealed = yield* keys.seal(of, ["a", 1], Redacted.make(plain))
      yield* keys.seal(other, ["a", 1], Redacted.make(plain))
      expect(yield* Effect.flip(keys.open(of, ["a", 2], sealed))).toMatchObject({ reason: "wrong" })
      expect(Option.isNone(yield* keys.open(other, ["a", 1], sealed))).toBe(true)
      for (let at = 0; at < sealed.bytes.length; at++) {
        const bytes = Buffer.from(sealed.bytes)
        bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
        const error = yield* Effect.flip(keys.open(of, ["a", 1], { ...sealed, bytes }))
        expect(error.reason).toBe("wrong")
        expect(error.message).not.toContain("hunter2")
      }
      expect(yield* Effect.flip(keys.open(of, ["a", 1], { ...sealed, bytes: Buffer.alloc(3) }))).toMatchObject({
        reason: "wrong"
      })
    }).pipe(asServerWith(one))
  )

  test(
    "are one key for an owner, however many create it at once, on several servers too",
    Effect.gen(function* () {
      const owner = yield* organization
      const server = Effect.flatMap(DataKeys, (keys) =>
        Effect.all(
          Array.from({ length: 20 }, () => keys.seal(owner, [], Redacted.make(plain))),
          { concurrency: "unbounded" }
        )
      )
      const all = yield* Effect.all([server.pipe(asServerWith(one)), server.pipe(asServerWith(one))], {
        concurrency: 2
      })
      expect(new Set(all.flat().map((each) => each.keyId)).size).toBe(1)
    })
  )

  test(
    "seal nothing after the transaction that created them was rolled back",
    Effect.gen(function* () {
      const keys = yield* DataKeys
      const sql = yield* SqlClient
      const owner = yield* organization
      let lost = ""
      yield* Effect.exit(
        sql.withTransaction(
          Effect.gen(function* () {
            lost = (yield* keys.seal(owner, [], Redacted.make(plain))).keyId
            // The second one is from a savepoint.
            expect((yield* sql.withTransaction(keys.seal(owner, [], Redacted.make(plain)))).keyId).toBe(lost)
            return yield* Effect.fail("rolled back")
          })
        )
      )
      const sealed = yield* keys.seal(owner, [], Redacted.make(plain))
      expect(sealed.keyId).not.toBe(lost)
      expect(
        shown(yield* Effect.flatMap(DataKeys, (dataKeys) => dataKeys.open(owner, [], sealed)).pipe(asServerWith(one)))
      ).toEqual(Option.some(plain))
    }).pipe(asServerWith(one))
  )

  test(
    "open nothing any more once they're erased; a new one opens only its own",
    Effect.gen(function* () {
      const keys = yield* DataKeys
      const sql = yield* SqlClient
      for (const owner of [person(), yield* organization]) {
        const sealed = yield* keys.seal(owner, [], Redacted.make(plain))
        yield* Effect.exit(sql.withTransaction(Effect.andThen(keys.erase(owner), Effect.fail("rolled back"))))
        expect(shown(yield* keys.open(owner, [], sealed))).toEqual(Option.some(plain))
        yield* sql.withTransaction(
          Effect.andThen(
            keys.erase(owner),
            // A read before the erasure is committed must not keep the key beyond it.
            Effect.promise(() => Effect.runPromise(keys.open(owner, [], sealed)))
          )
        )
        expect(Option.isNone(yield* keys.open(owner, [], sealed))).toBe(true)
        const next = yield* keys.seal(owner, [], Redacted.make("next"))
        expect(Option.isNone(yield* keys.open(owner, [], sealed))).toBe(true)
        expect(shown(yield* keys.open(owner, [], next))).toEqual(Option.some("next"))
      }
    }).pipe(asServerWith(one))
  )

  test(
    "are renewed: the new one seals, and the former one still opens",
    Effect.gen(function* () {
      const keys = yield* DataKeys
      const owner = yield* organization
      const before = yield* keys.seal(owner, [], Redacted.make(plain))
      yield* keys.renew(owner.id)
      const after = yield* keys.seal(owner, [], Redacted.make(plain))
      expect(after.keyId).not.toBe(before.keyId)
      for (const sealed of [before, after])
        expect(shown(yield* keys.open(owner, [], sealed))).toEqual(Option.some(plain))
    }).pipe(asServerWith(one))
  )

  test(
    "are rewrapped with another master key while servers seal and open, and then don't need the former one any more",
    Effect.gen(function* () {
      const owners = yield* Effect.replicateEffect(organization, 150)
      const sealed = yield* Effect.flatMap(DataKeys, (keys) =>
        Effect.forEach(owners, (owner) => keys.seal(owner, [], Redacted.make(plain)))
      ).pipe(asServerWith(one))
      const rotation = Effect.flatMap(DataKeys, (dataKeys) => dataKeys.rewrap).pipe(
        asServerWith(withFormer(two, [one]))
      )
      const work = Effect.flatMap(DataKeys, (keys) =>
        Effect.forEach(
          owners,
          (owner, index) =>
            Effect.gen(function* () {
              const value = sealed[index]
              if (value === undefined) throw new Error("nothing was sealed")
              expect(shown(yield* keys.open(owner, [], value))).toEqual(Option.some(plain))
              const again = yield* keys.seal(owner, [], Redacted.make(plain))
              expect(again.keyId).toBe(value.keyId)
            }),
          { concurrency: 8 }
        )
      ).pipe(asServerWith(withFormer(one, [two])))
      const [first, second] = yield* Effect.all([rotation, rotation, work], { concurrency: 3 })
      expect(first + second).toBe(150)
      expect(yield* rotation).toBe(0)
      yield* Effect.flatMap(DataKeys, (keys) =>
        Effect.forEach(owners, (owner, index) => {
          const value = sealed[index]
          return value === undefined ? Effect.void : keys.open(owner, [], value)
        })
      ).pipe(asServerWith(two))
      const error = yield* Effect.flip(Effect.flatMap(DataKeys, (dataKeys) => dataKeys.rewrap).pipe(asServerWith(one)))
      expect(error.message).toContain("isn't the one")
    })
  )

  test(
    "are detected at the start if their wrapped bytes were moved to another owner",
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const [of, other] = [yield* organization, yield* organization]
      const sealed = yield* Effect.flatMap(DataKeys, (keys) =>
        Effect.andThen(keys.seal(of, [], Redacted.make(plain)), keys.seal(other, [], Redacted.make(plain)))
      ).pipe(asServerWith(one))
      yield* sql`
        update organization_keys t set wrapped = f.wrapped from organization_keys f
        where t.organization_id <> f.organization_id`
      const opened = Effect.flatMap(DataKeys, (dataKeys) => dataKeys.open(other, [], sealed)).pipe(asServerWith(one))
      expect(yield* Effect.flip(opened)).toMatchObject({ reason: "wrong" })
    })
  )

  test(
    "sign with one Ed25519 key, the same on each server",
    Effect.gen(function* () {
      const key = yield* Effect.flatMap(DataKeys, (dataKeys) => dataKeys.signingKey).pipe(asServerWith(one))
      const same = yield* Effect.flatMap(DataKeys, (dataKeys) => dataKeys.signingKey).pipe(asServerWith(one))
      expect(same.id).toBe(key.id)
      const bytes = Buffer.from("checkpoint")
      const publicKey = createPublicKey(key.publicKey)
      expect(verify(null, bytes, publicKey, same.sign(bytes))).toBe(true)
      expect(verify(null, Buffer.from("other"), publicKey, same.sign(bytes))).toBe(false)
    })
  )
})
