import type { OrganizationName } from "@maxcloud/config-schema"
import type { KeyScope, MemberInfo, Role } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { parseDuration } from "../args/duration.ts"
import { loadSchemas, parse } from "../client.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"

/** Parses user input about people, roles and keys by the contract's schema. */

const loadApi = Effect.promise(() => import("@maxcloud/sdk/api"))

export const needed = (written: string | undefined, what: string, fix: string): Effect.Effect<string, UsageError> =>
  written === undefined || written === ""
    ? Effect.fail(new UsageError({ message: what, fix: `write ${fix}` }))
    : Effect.succeed(written)

export const parseEmail = (written: string): Effect.Effect<string, UsageError> =>
  Effect.flatMap(loadApi, (api) => parse(api.Email, written))

export const parseOrganization = (written: string): Effect.Effect<OrganizationName, UsageError> =>
  Effect.flatMap(loadSchemas, (schemas) => parse(schemas.OrganizationName, written))

export const parseRole = (written: string): Effect.Effect<Role, UsageError> =>
  Effect.gen(function* () {
    const { Role } = yield* loadApi
    const role = Role.literals.find((literal) => literal === written)
    return (
      role ??
      (yield* new UsageError({ message: `"${written}" isn't a role`, fix: `one of: ${Role.literals.join(", ")}` }))
    )
  })

export const parseScopes = (written: ReadonlyArray<string>): Effect.Effect<ReadonlyArray<KeyScope>, UsageError> =>
  Effect.flatMap(loadApi, (api) => Effect.forEach(written, (scope) => parse(api.KeyScope, scope)))

/** A flag's duration in whole seconds. */
export const parseSeconds = (flag: string, written: string): Effect.Effect<number, UsageError> =>
  Effect.map(parseDuration(flag, written), (found) => Math.round(found / 1000))

/** Finds an item by its id, or by a unique name. */
export const findOne = <A extends { readonly id: string }>(
  all: ReadonlyArray<A>,
  written: string,
  names: (one: A) => ReadonlyArray<string>,
  kind: string,
  list: string
): Effect.Effect<A, CommandFailed> => {
  const byId = all.filter((each) => each.id === written)
  const [found, ...others] = byId.length > 0 ? byId : all.filter((value) => names(value).includes(written))
  if (found === undefined) {
    const message = `no ${kind} "${written}" found`
    return new CommandFailed({ tag: "NotFound", exit: 5, message, fix: `\`${list}\` lists them` })
  }
  if (others.length === 0) return Effect.succeed(found)
  const message = `the name "${written}" isn't unique`
  return new CommandFailed({ tag: "Ambiguous", exit: 2, message, fix: `use the id, from \`${list}\`` })
}

export const findMember = (
  members: ReadonlyArray<MemberInfo>,
  written: string
): Effect.Effect<MemberInfo, CommandFailed | UsageError> =>
  Effect.gen(function* () {
    const email = yield* parseEmail(written)
    const found = members.find((member) => member.email === email)
    if (found !== undefined) return found
    return yield* new CommandFailed({
      tag: "NotFound",
      exit: 5,
      message: `${email} isn't a member of the organization`,
      fix: "`maxcloud org members list` lists the members"
    })
  })
