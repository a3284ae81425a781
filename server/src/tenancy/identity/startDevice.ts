import type { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { ClientAddress } from "../access/Caller.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import { newCode } from "./codes.ts"
import { intervalSeconds } from "./pollDevice.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { hexOf, newToken } from "./tokens.ts"
import { visibleText } from "./visibleText.ts"

const expiresInSeconds = 600

const decodeCodes = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ user_code: Schema.String })))

/** undefined: another one has the user code. */
const insert = (sql: SqlClient, clientName: string) =>
  Effect.gen(function* () {
    const id = newId("dev")
    const { hash, token } = newToken("device", hexOf(id))
    const rows = yield* sql`
      insert into device_authorizations (id, device_code_hash, user_code, client_name, client_address, expires_at)
      values (${id}, ${hash}, ${newCode()}, ${clientName}, ${(yield* ClientAddress) ?? null},
        now() + ${expiresInSeconds} * interval '1 second')
      on conflict (user_code) do nothing returning user_code`
    const [row] = decodeCodes(rows)
    return row === undefined ? undefined : { deviceCode: token, userCode: row.user_code }
  })

const insertNew = (sql: SqlClient, clientName: string) =>
  Effect.gen(function* () {
    let codes = yield* insert(sql, clientName)
    while (codes === undefined) codes = yield* insert(sql, clientName)
    return codes
  })

/** The codes for a program that asks to sign in. `told`: its own description. */
export const startDevice = (sql: SqlClient, limits: typeof RateLimits.Service, publicUrl: string, told: string) =>
  Effect.gen(function* () {
    yield* takeAll(limits, [[signInLimits.deviceByAddress, yield* clientNetwork]])
    const codes = yield* insertNew(sql, visibleText(told))
    const verificationUri = `${publicUrl}/auth/device`
    return {
      ...codes,
      verificationUri,
      verificationUriComplete: `${verificationUri}?user_code=${codes.userCode}`,
      expiresInSeconds,
      intervalSeconds
    }
  })
