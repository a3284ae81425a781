import { NotFound, type Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Caller } from "../access/Caller.ts"
import type { Sessions } from "./Accounts.ts"

/** In a path: the organization that the credential belongs to. */
const ownOrganization = "-"

/**
 * The caller as a member of the organization that a path names. It only selects: a key, a token of an issuer and a session from before its
 * address was confirmed have their own organization, any other session those that its person is a member of by now, each with the role there.
 * Every other organization gets the same answer by the same steps, whether it exists or not: only the person's own memberships are read.
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
    detail: `This credential opens no organization "${name}". ${fix}`
  })
  if (credential.type !== "session" || credential.unproven === true || person === undefined) return refused
  return Effect.flatMap(sessions.organizationsOf(person.id), (all) => {
    const found = all.find((each) => each.name === named)
    return found === undefined
      ? refused
      : Effect.succeed({ ...caller, organization: { id: found.id, name: found.name }, roles: [found.role] })
  })
}
