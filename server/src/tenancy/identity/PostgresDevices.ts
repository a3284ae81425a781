import { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationName } from "@maxcloud/config-schema"
import type { UserId } from "@maxcloud/sdk/api"
import { Effect, Layer, type Redacted } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import { Audit } from "../audit/Audit.ts"
import { RateLimits } from "../limits/RateLimits.ts"
import { Devices } from "./Accounts.ts"
import { approveDevice, denyDevice, findDevice } from "./answerDevice.ts"
import { defaultSessionDays, type IdentityOptions } from "./IdentityOptions.ts"
import { pollDevice } from "./pollDevice.ts"
import { startDevice } from "./startDevice.ts"
import { whereAway } from "./whereAway.ts"

/** `Devices` in the table `device_authorizations`. */
export const layer = ({ publicUrl, sessionDays = defaultSessionDays }: IdentityOptions) =>
  Layer.effect(
    Devices,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const limits = yield* RateLimits

      return {
        start: Effect.fn("Devices.start")(
          (clientName: string) => startDevice(sql, limits, publicUrl, clientName),
          whereAway,
          asServer
        ),
        poll: Effect.fn("Devices.poll")(
          (deviceCode: Redacted.Redacted) => inTransaction(sql, pollDevice(sql, audit, sessionDays, deviceCode)),
          whereAway,
          asServer
        ),
        find: Effect.fn("Devices.find")((userCode: string) => findDevice(sql, limits, userCode), whereAway, asServer),
        approve: Effect.fn("Devices.approve")(
          (userCode: string, userId: UserId, organization: OrganizationName) =>
            approveDevice(sql, audit, limits, userCode, userId, organization),
          whereAway,
          asServer
        ),
        deny: Effect.fn("Devices.deny")(
          (userCode: string, userId: UserId) => denyDevice(sql, audit, limits, userCode, userId),
          whereAway,
          asServer
        )
      }
    })
  )
