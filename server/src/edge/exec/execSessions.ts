import { type OrganizationId, TooManyRequests } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/** Sessions that an organization may have open at once, on one server. */
export const sessionsPerOrganization = 10
const retryAfterSeconds = 5

/** Counts sessions; one too many is refused. A place is given back when the scope closes. */
export const makeExecSessions = () => {
  const open = new Map<OrganizationId, number>()
  return (organization: OrganizationId) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const count = open.get(organization) ?? 0
        if (count >= sessionsPerOrganization) {
          return new TooManyRequests({
            detail: `Too many open sessions: an organization can have ${sessionsPerOrganization} of \`maxcloud exec\` at once. Close one.`,
            retryAfterSeconds,
            limit: { name: "exec-sessions", quota: sessionsPerOrganization, windowSeconds: retryAfterSeconds }
          })
        }
        open.set(organization, count + 1)
        return Effect.void
      }),
      () =>
        Effect.sync(() => {
          const left = (open.get(organization) ?? 1) - 1
          if (left > 0) open.set(organization, left)
          else open.delete(organization)
        })
    )
}
