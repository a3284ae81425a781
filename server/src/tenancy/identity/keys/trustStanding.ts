import { Role } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { effectiveRole } from "../../access/policy.ts"
import { problemOfClaims } from "./trustRules.ts"

/** The present state of a trust's creator, with the trust's own role, issuer and claims. */
export const makerFields = {
  /** Null: nobody signed in created it, for example if no credential is needed. */
  created_by: Schema.NullOr(Schema.String),
  /** Null if the account no longer exists. */
  maker_email: Schema.NullOr(Schema.String),
  /** The member's role; null if the person is no longer a member. */
  maker_role: Schema.NullOr(Role),
  /** Did the membership begin after the trust was created? */
  maker_came_back: Schema.Boolean
}
const Made = Schema.Struct({
  ...makerFields,
  role: Role,
  issuer: Schema.String,
  claims: Schema.Record({ key: Schema.String, value: Schema.String })
})

export interface Standing {
  /** All of them must allow an operation: the trust's own role and its creator's. None: the trust is ineffective. */
  readonly roles: ReadonlyArray<Role>
  /** Why the trust has fewer rights than it says, without naming its creator; undefined if it doesn't. */
  readonly limit: string | undefined
}

/**
 * The present rights of a trust: never more than its creator has now, as with an API key. A person who leaves and
 * returns doesn't get their trusts back. A trust from before claims had to name the tokens' owner is ineffective until
 * it's re-created.
 */
export const standingOf = ({
  claims,
  created_by,
  issuer,
  maker_came_back,
  maker_email,
  maker_role,
  role
}: typeof Made.Type): Standing => {
  const ended = (limit: string): Standing => ({ roles: [], limit: `${limit}; an admin must delete and re-create it` })
  const problem = problemOfClaims(issuer, claims)
  if (problem !== undefined) return ended(problem)
  if (created_by === null) return { roles: [role], limit: undefined }
  if (maker_email === null) return ended("its creator no longer has an account")
  if (maker_role === null) return ended("its creator is no longer a member")
  if (maker_came_back) return ended("its creator left the organization in between")
  const roles = [role, maker_role]
  const left = effectiveRole({ roles })
  return { roles, limit: left === role ? undefined : `its creator is ${maker_role}` }
}
