import type { SqlClient } from "@effect/sql/SqlClient"
import type { OrganizationName } from "@maxcloud/config-schema"
import type { UserId } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { inTransaction } from "../../base/database/sqlErrors.ts"
import type { Audit } from "../audit/Audit.ts"
import type { RateLimits } from "../limits/RateLimits.ts"
import { refuseReservedName } from "../organizations/refuseReservedName.ts"
import type { IdentityOptions } from "./IdentityOptions.ts"
import { inviteOnly } from "./mayRegister.ts"
import { addOwned } from "./ownedOrganization.ts"
import { signInLimits, takeAll } from "./signInLimits.ts"
import { lockUser } from "./userRows.ts"

/** An organization for a person with an account. */
export const createOrganization = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  limits: typeof RateLimits.Service,
  options: IdentityOptions,
  userId: UserId,
  name: OrganizationName
) =>
  Effect.gen(function* () {
    yield* takeAll(limits, [[signInLimits.createByPerson, userId]])
    if (options.registration === "invite") return yield* inviteOnly()
    yield* refuseReservedName(name)
    const create = Effect.gen(function* () {
      const user = yield* lockUser(sql, userId)
      // Erased meanwhile: the owner no longer exists.
      if (user === undefined) return yield* inviteOnly()
      yield* addOwned(sql, audit, { action: "account.createOrganization", status: 201 }, name, user)
    })
    return yield* inTransaction(sql, create)
  })
