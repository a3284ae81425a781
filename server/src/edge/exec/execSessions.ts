import { type OrganizationId, TooManyRequests } from "@maxcloud/sdk/api"
import { Effect } from "effect"

/** The limit of open sessions for an organization, on one server. */
export const sessionsPerOrganization = 10
const retryAfterSeconds = 5

/** A limit for an organization, and the refusal beyond it. */
export interface PlacesLimit {
  readonly name: string
  readonly quota: number
  readonly detail: string
}

export const execSessions: PlacesLimit = {
  name: "exec-sessions",
  quota: sessionsPerOrganization,
  detail: `Too many open sessions. An organization can have ${sessionsPerOrganization} \`maxcloud exec\` sessions at once. Close one.`
}

/** Counts sessions and refuses those beyond the limit. Frees a place when the scope closes. */
export const makePlaces = ({ detail, name, quota }: PlacesLimit) => {
  const open = new Map<OrganizationId, number>()
  return (organization: OrganizationId) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const count = open.get(organization) ?? 0
        if (count >= quota) {
          return new TooManyRequests({
            detail,
            retryAfterSeconds,
            limit: { name, quota, windowSeconds: retryAfterSeconds }
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
