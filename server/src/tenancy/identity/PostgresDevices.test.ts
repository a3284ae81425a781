import { SqlClient } from "@effect/sql/SqlClient"
import { assert, layer as describeOn } from "@effect/vitest"
import { OrganizationName } from "@maxcloud/config-schema"
import { Effect, Redacted } from "effect"
import { newNames, Seen, signIn, testIdentity } from "../../../test/identity/testIdentity.ts"
import { newId } from "../../base/database/newId.ts"
import { ClientAddress } from "../access/Caller.ts"
import { Accounts, Devices } from "./Accounts.ts"
import { sweepIdentity } from "./sweep.ts"
import { hexOf, matches, newToken, parseToken } from "./tokens.ts"

const startFrom = (address: string) =>
  Effect.flatMap(Devices, (devices) => devices.start("maxcloud on ada-laptop")).pipe(
    Effect.provideService(ClientAddress, address)
  )

/** Somebody who is signed in at the page, and a program that waits. */
const waiting = Effect.gen(function* () {
  const names = newNames("d")
  yield* Effect.flatMap(Accounts, (accounts) => accounts.register(names))
  const { userId } = yield* signIn(names.email)
  return { ...names, userId, codes: yield* startFrom("203.0.113.7") }
})

const idOf = (deviceCode: Redacted.Redacted) => `dev_${parseToken("device", deviceCode)?.id}`

describeOn(testIdentity(), { excludeTestServices: true })("device authorizations", (it) => {
  it.effect("give the session to the program that asked, once, after a person has approved", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const sql = yield* SqlClient
      const { told } = yield* Seen
      const { codes, email, organization, userId } = yield* waiting
      assert.match(codes.userCode, /^[B-Z]{4}-[B-Z]{4}$/)
      assert.strictEqual(codes.verificationUri, "https://cloud.example.com/auth/device")
      assert.strictEqual(codes.verificationUriComplete, `${codes.verificationUri}?user_code=${codes.userCode}`)
      assert.deepInclude(codes, { expiresInSeconds: 600, intervalSeconds: 5 })
      assert.deepStrictEqual(yield* devices.poll(codes.deviceCode), { state: "pending", intervalSeconds: 5 })
      const { askedAt, ...found } = yield* devices.find(codes.userCode.toLowerCase().replace("-", " "))
      assert.deepStrictEqual(found, {
        clientName: "maxcloud on ada-laptop",
        userCode: codes.userCode,
        clientAddress: "203.0.113.7"
      })
      assert.isBelow(Math.abs(Date.now() - askedAt.getTime()), 60_000)
      yield* devices.approve(codes.userCode.toLowerCase(), userId, organization)
      assert.deepInclude(told.at(-1), { action: "signIn.approveDevice" })
      const polls = yield* Effect.all(
        Array.from({ length: 4 }, () => devices.poll(codes.deviceCode)),
        { concurrency: 4 }
      )
      const granted = polls.flatMap((poll) => (poll.state === "granted" ? [poll.session] : []))
      assert.lengthOf(granted, 1)
      assert.lengthOf(
        polls.filter((poll) => poll.state === "expired"),
        3
      )
      assert.deepInclude(granted[0], { organization, role: "owner" })
      assert.deepInclude(granted[0]?.user, { email, verified: true })
      assert.deepInclude(told.at(-1), { action: "signIn.pollDevice" })
      const rows = yield* sql<{ token_hash: Uint8Array }>`select token_hash from sessions where user_id = ${userId}`
      assert.isTrue(granted[0] !== undefined && matches(granted[0].token, rows[0]?.token_hash))
    })
  )

  it.effect("tell a program that polls too often to slow down", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const sql = yield* SqlClient
      const { codes } = yield* waiting
      assert.strictEqual((yield* devices.poll(codes.deviceCode)).state, "pending")
      assert.deepStrictEqual(yield* devices.poll(codes.deviceCode), { state: "slowDown", intervalSeconds: 10 })
      yield* sql`
        update device_authorizations set polled_at = now() - interval '5 seconds' where id = ${idOf(codes.deviceCode)}`
      assert.strictEqual((yield* devices.poll(codes.deviceCode)).state, "pending")
    })
  )

  it.effect("stay denied once a person denies them", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, organization, userId } = yield* waiting
      yield* devices.deny(codes.userCode, userId)
      assert.deepStrictEqual(yield* devices.poll(codes.deviceCode), { state: "denied" })
      const again = yield* Effect.flip(devices.approve(codes.userCode, userId, organization))
      assert.deepInclude(again, { _tag: "NotFound", resource: "device" })
      assert.strictEqual((yield* Effect.flip(devices.find(codes.userCode)))._tag, "NotFound")
    })
  )

  it.effect("take the same answer of the same person twice, as where a button is pressed twice", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, organization, userId } = yield* waiting
      const other = yield* waiting
      yield* devices.approve(codes.userCode, userId, organization)
      yield* devices.approve(codes.userCode, userId, organization)
      const stranger = devices.approve(codes.userCode, other.userId, other.organization)
      assert.strictEqual((yield* Effect.flip(stranger))._tag, "NotFound")
      assert.strictEqual((yield* Effect.flip(devices.deny(codes.userCode, userId)))._tag, "NotFound")
      assert.strictEqual((yield* devices.poll(codes.deviceCode)).state, "granted")
      yield* devices.approve(codes.userCode, userId, organization)
      assert.strictEqual((yield* devices.poll(codes.deviceCode)).state, "expired")
      yield* devices.deny(other.codes.userCode, other.userId)
      yield* devices.deny(other.codes.userCode, other.userId)
      assert.strictEqual((yield* devices.poll(other.codes.deviceCode)).state, "denied")
    })
  )

  it.effect("take one of two answers that come at once", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, organization, userId } = yield* waiting
      const all = yield* Effect.all(
        [
          Effect.either(devices.approve(codes.userCode, userId, organization)),
          Effect.either(devices.deny(codes.userCode, userId))
        ],
        { concurrency: 2 }
      )
      assert.lengthOf(
        all.filter((each) => each._tag === "Right"),
        1
      )
    })
  )

  it.effect("end after ten minutes, approved or not", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const sql = yield* SqlClient
      const { codes, organization, userId } = yield* waiting
      yield* devices.approve(codes.userCode, userId, organization)
      const id = idOf(codes.deviceCode)
      yield* sql`update device_authorizations set expires_at = now() where id = ${id}`
      assert.deepStrictEqual(yield* devices.poll(codes.deviceCode), { state: "expired" })
      yield* sql`update device_authorizations set expires_at = now() - interval '2 hours' where id = ${id}`
      yield* sweepIdentity
      assert.lengthOf(yield* sql`select 1 from device_authorizations where id = ${id}`, 0)
    })
  )

  it.effect("are of members alone, when they are approved and when they are fetched", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const sql = yield* SqlClient
      const { codes, organization, userId } = yield* waiting
      const other = yield* waiting
      for (const name of [other.organization, OrganizationName.make("nowhere")]) {
        const error = yield* Effect.flip(devices.approve(codes.userCode, userId, name))
        assert.deepInclude(error, { _tag: "NotFound", resource: "organization" })
      }
      yield* devices.approve(codes.userCode, userId, organization)
      yield* sql`delete from memberships where user_id = ${userId}`
      assert.deepStrictEqual(yield* devices.poll(codes.deviceCode), { state: "denied" })
    })
  )

  it.effect("know no other codes", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, userId } = yield* waiting
      const forged = newToken("device", parseToken("device", codes.deviceCode)?.id ?? "").token
      for (const code of [forged, newToken("device", hexOf(newId("dev"))).token, Redacted.make(codes.userCode)]) {
        assert.deepStrictEqual(yield* devices.poll(code), { state: "expired" })
      }
      for (const code of ["", "BBBB-BBBB", "' or true --"]) {
        assert.strictEqual((yield* Effect.flip(devices.find(code)))._tag, "NotFound")
        assert.strictEqual((yield* Effect.flip(devices.deny(code, userId)))._tag, "NotFound")
      }
    })
  )
})
