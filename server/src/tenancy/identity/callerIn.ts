import { NotFound, type Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Caller } from "../access/Caller.ts"
import type { Sessions } from "./Accounts.ts"

/** In a path: the credential's own organization. */
const ownOrganization = "-"

/**
 * The caller as a member of the organization in a path. It only selects: a key, an issuer's token and a session from
 * before its address was confirmed have only their own organization; any other session has its person's present
 * memberships, each with the role there. All other organizations get the same answer by the same steps, whether they
 * exist or not: only the person's own memberships are read.
 */
export const callerIn = (
  sessions: typeof Sessions.Service,
  caller: Caller,
  named: string | undefined
): Effect.Effect<Caller, NotFound | Unavailable> => {
  const { credential, organization, person } = caller
  if (named === undefined || named === ownOrganization || named === organization.name) return Effect.succeed(caller)
  const name = named.slice(0, 100)
  const fix =
    credential.type === "session" ? "`maxcloud auth status` lists yours." : `It belongs to "${organization.name}".`
  const refused = new NotFound({
    resource: "organization",
    resourceName: name,
    detail: `This credential has no access to an organization "${name}". ${fix}`
  })
  if (credential.type !== "session" || credential.unproven === true || person === undefined) return refused
  return Effect.flatMap(sessions.organizationsOf(person.id), (all) => {
    const found = all.find((each) => each.name === named)
    return found === undefined
      ? refused
      : Effect.succeed({ ...caller, organization: { id: found.id, name: found.name }, roles: [found.role] })
  })
}
