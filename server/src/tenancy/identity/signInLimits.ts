import { Effect } from "effect"
import { ClientAddress } from "../access/Caller.ts"
import type { RateLimit, RateLimits } from "../limits/RateLimits.ts"

const hour = 3600
const quarter = 900

/**
 * Limits for attempts without a credential. Those by network address slow down guessing. Those by e-mail address protect
 * a mailbox from floods. They refuse nobody if somebody else could use them up to lock a person out.
 */
export const signInLimits = {
  registerByAddress: { name: "register-address", quota: 20, windowSeconds: hour },
  registerByEmail: { name: "register-email", quota: 5, windowSeconds: hour },
  createByPerson: { name: "create-organization", quota: 5, windowSeconds: hour },
  verifyByAddress: { name: "verify-address", quota: 30, windowSeconds: quarter },
  resendByPerson: { name: "resend-person", quota: 5, windowSeconds: hour },
  beginByAddress: { name: "sign-in-address", quota: 30, windowSeconds: quarter },
  /** Above them no more codes are mailed, and the one that was mailed stays valid. */
  mailByEmail: { name: "sign-in-email", quota: 12, windowSeconds: hour },
  beginByBoth: { name: "sign-in-email-address", quota: 5, windowSeconds: hour },
  finishByAddress: { name: "sign-in-code-address", quota: 30, windowSeconds: quarter },
  acceptByAddress: { name: "accept-invite-address", quota: 30, windowSeconds: quarter },
  inviteByOrganization: { name: "invite-organization", quota: 100, windowSeconds: hour },
  inviteByEmail: { name: "invite-email", quota: 20, windowSeconds: hour },
  deviceByAddress: { name: "device-address", quota: 60, windowSeconds: quarter },
  /** RFC 8628, 5.1: user codes are short, so guesses must be few. */
  userCodeByAddress: { name: "device-code-address", quota: 60, windowSeconds: quarter }
} as const satisfies Record<string, RateLimit>

/** Addresses of one IPv6 network (64 bits) count as one client. */
export const networkOf = (address: string): string => {
  if (!address.includes(":")) return address
  const [head = "", tail] = address.split("::")
  const before = head.split(":").filter((part) => part !== "")
  const after = (tail ?? "").split(":").filter((part) => part !== "")
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  return [...before, ...Array<string>(zeros).fill("0"), ...after].slice(0, 4).join(":")
}

/** Takes one token from the bucket of each of these keys. */
export const takeAll = (
  limits: typeof RateLimits.Service,
  buckets: ReadonlyArray<readonly [limit: RateLimit, key: string]>
) => Effect.forEach(buckets, ([limit, key]) => limits.take(limit, `${limit.name} ${key}`), { discard: true })

/** The client's network as a key. All of the server's own work shares one key. */
export const clientNetwork = Effect.map(ClientAddress, (address) =>
  address === undefined ? "none" : networkOf(address)
)
