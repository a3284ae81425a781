import { SqlClient } from "@effect/sql/SqlClient"
import { layer as describeOn, expect } from "@effect/vitest"
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

/** Somebody signed in at the page, and a waiting program. */
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
      expect(codes.userCode).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
      expect(codes.verificationUri).toBe("https://cloud.example.com/auth/device")
      expect(codes.verificationUriComplete).toBe(`${codes.verificationUri}?user_code=${codes.userCode}`)
      expect(codes).toMatchObject({ expiresInSeconds: 600, intervalSeconds: 5 })
      expect(yield* devices.poll(codes.deviceCode)).toStrictEqual({ state: "pending", intervalSeconds: 5 })
      const { askedAt, ...found } = yield* devices.find(codes.userCode.toLowerCase().replace("-", " "))
      expect(found).toStrictEqual({
        clientName: "maxcloud on ada-laptop",
        userCode: codes.userCode,
        clientAddress: "203.0.113.7"
      })
      expect(Math.abs(Date.now() - askedAt.getTime())).toBeLessThan(60_000)
      yield* devices.approve(codes.userCode.toLowerCase(), userId, organization)
      expect(told.at(-1)).toMatchObject({ action: "signIn.approveDevice" })
      const polls = yield* Effect.all(
        Array.from({ length: 4 }, () => devices.poll(codes.deviceCode)),
        { concurrency: 4 }
      )
      const granted = polls.flatMap((poll) => (poll.state === "granted" ? [poll.session] : []))
      expect(granted).toHaveLength(1)
      expect(polls.filter((poll) => poll.state === "expired")).toHaveLength(3)
      expect(granted[0]).toMatchObject({ organization, role: "owner" })
      expect(granted[0]?.user).toMatchObject({ email, verified: true })
      expect(told.at(-1)).toMatchObject({ action: "signIn.pollDevice" })
      const rows = yield* sql<{ token_hash: Uint8Array }>`select token_hash from sessions where user_id = ${userId}`
      expect(granted[0] !== undefined && matches(granted[0].token, rows[0]?.token_hash)).toBe(true)
    })
  )

  it.effect("tell a program that polls too often to slow down", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const sql = yield* SqlClient
      const { codes } = yield* waiting
      expect((yield* devices.poll(codes.deviceCode)).state).toBe("pending")
      expect(yield* devices.poll(codes.deviceCode)).toStrictEqual({ state: "slowDown", intervalSeconds: 10 })
      yield* sql`
        update device_authorizations set polled_at = now() - interval '5 seconds' where id = ${idOf(codes.deviceCode)}`
      expect((yield* devices.poll(codes.deviceCode)).state).toBe("pending")
    })
  )

  it.effect("stay denied once a person denies them", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, organization, userId } = yield* waiting
      yield* devices.deny(codes.userCode, userId)
      expect(yield* devices.poll(codes.deviceCode)).toStrictEqual({ state: "denied" })
      const again = yield* Effect.flip(devices.approve(codes.userCode, userId, organization))
      expect(again).toMatchObject({ _tag: "NotFound", resource: "device" })
      expect((yield* Effect.flip(devices.find(codes.userCode)))._tag).toBe("NotFound")
    })
  )

  it.effect("accept the same answer of the same person twice, as when a button is pressed twice", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, organization, userId } = yield* waiting
      const other = yield* waiting
      yield* devices.approve(codes.userCode, userId, organization)
      yield* devices.approve(codes.userCode, userId, organization)
      const stranger = devices.approve(codes.userCode, other.userId, other.organization)
      expect((yield* Effect.flip(stranger))._tag).toBe("NotFound")
      expect((yield* Effect.flip(devices.deny(codes.userCode, userId)))._tag).toBe("NotFound")
      expect((yield* devices.poll(codes.deviceCode)).state).toBe("granted")
      yield* devices.approve(codes.userCode, userId, organization)
      expect((yield* devices.poll(codes.deviceCode)).state).toBe("expired")
      yield* devices.deny(other.codes.userCode, other.userId)
      yield* devices.deny(other.codes.userCode, other.userId)
      expect((yield* devices.poll(other.codes.deviceCode)).state).toBe("denied")
    })
  )

  it.effect("accept one of two answers that come at once", () =>
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
      expect(all.filter((each) => each._tag === "Right")).toHaveLength(1)
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
      expect(yield* devices.poll(codes.deviceCode)).toStrictEqual({ state: "expired" })
      yield* sql`update device_authorizations set expires_at = now() - interval '2 hours' where id = ${id}`
      yield* sweepIdentity
      expect(yield* sql`select 1 from device_authorizations where id = ${id}`).toHaveLength(0)
    })
  )

  it.effect("only work for members, both on approval and when they're fetched", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const sql = yield* SqlClient
      const { codes, organization, userId } = yield* waiting
      const other = yield* waiting
      for (const name of [other.organization, OrganizationName.make("nowhere")]) {
        const error = yield* Effect.flip(devices.approve(codes.userCode, userId, name))
        expect(error).toMatchObject({ _tag: "NotFound", resource: "organization" })
      }
      yield* devices.approve(codes.userCode, userId, organization)
      yield* sql`delete from memberships where user_id = ${userId}`
      expect(yield* devices.poll(codes.deviceCode)).toStrictEqual({ state: "denied" })
    })
  )

  it.effect("accept no other codes", () =>
    Effect.gen(function* () {
      const devices = yield* Devices
      const { codes, userId } = yield* waiting
      const forged = newToken("device", parseToken("device", codes.deviceCode)?.id ?? "").token
      for (const code of [forged, newToken("device", hexOf(newId("dev"))).token, Redacted.make(codes.userCode)]) {
        expect(yield* devices.poll(code)).toStrictEqual({ state: "expired" })
      }
      for (const code of ["", "BBBB-BBBB", "' or true --"]) {
        expect((yield* Effect.flip(devices.find(code)))._tag).toBe("NotFound")
        expect((yield* Effect.flip(devices.deny(code, userId)))._tag).toBe("NotFound")
      }
    })
  )
})
