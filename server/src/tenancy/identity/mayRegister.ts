import { Forbidden, type Registration } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { RateLimits } from "../limits/RateLimits.ts"
import { refuseReservedName } from "../organizations/refuseReservedName.ts"
import type { IdentityOptions } from "./IdentityOptions.ts"
import { clientNetwork, signInLimits, takeAll } from "./signInLimits.ts"
import { normalEmail } from "./userRows.ts"

export const inviteOnly = () =>
  new Forbidden({
    detail: "Registration on this server is by invite only. Ask an administrator of your organization for one."
  })

/**
 * Fails if this client or address has tried too often, if registration is by invite only, or if the name isn't allowed
 * for a tenant.
 */
export const mayRegister = (
  limits: typeof RateLimits.Service,
  options: IdentityOptions,
  { bootstrapToken, email, organization: name }: Registration
) =>
  Effect.gen(function* () {
    yield* takeAll(limits, [
      [signInLimits.registerByAddress, yield* clientNetwork],
      [signInLimits.registerByEmail, normalEmail(email)]
    ])
    if (bootstrapToken === undefined && options.registration === "invite") return yield* inviteOnly()
    yield* refuseReservedName(name)
  })
