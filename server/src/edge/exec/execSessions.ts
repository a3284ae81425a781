import { type OrganizationId, TooManyRequests } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/** The limit of open sessions for an organization, on one server. */
export const sessionsPerOrganization = 10
const retryAfterSeconds = 5

/** Counts sessions and refuses those beyond the limit. Frees a place when the scope closes. */
export const makeExecSessions = () => {
  const open = new Map<OrganizationId, number>()
  return (organization: OrganizationId) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const count = open.get(organization) ?? 0
        if (count >= sessionsPerOrganization) {
          return new TooManyRequests({
            detail: `Too many open sessions. An organization can have ${sessionsPerOrganization} \`maxcloud exec\` sessions at once. Close one.`,
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
