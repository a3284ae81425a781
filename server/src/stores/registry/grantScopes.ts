import { type AppName, AppName as appName } from "@maxcloud/config-schema"
import {
  type OperationName,
  type OrganizationId,
  placeOfScope,
  rowOf,
  type ScopeVerb,
  scopeOpens
} from "@maxcloud/sdk/api"
import { Schema } from "effect"
import type { Caller } from "../../tenancy/access/Caller.ts"

/** An action on a repository that max-cloud grants. Deleting goes through its API, which knows what runs. */
export type RegistryAction = "pull" | "push"

/** An entry of a token's `access` claim (CNCF Distribution, "Token Authentication Implementation"). */
export interface Access {
  readonly type: "repository"
  /** `ORGANIZATION_ID/APP`. */
  readonly name: string
  readonly actions: ReadonlyArray<RegistryAction>
}

/** How many scopes a request may name. A push that mounts layers names one for each source. */
export const mostScopes = 50
const mostActions = 10

const isAppName = Schema.is(appName)

/**
 * The app of a repository of this organization: `org_…/shop`. Undefined for every other name: of other organizations,
 * with more or fewer segments, in other letter case, or escaped.
 */
const appOf = (name: string, organization: OrganizationId): AppName | undefined => {
  const app = name.startsWith(`${organization}/`) ? name.slice(organization.length + 1) : undefined
  return app !== undefined && isAppName(app) ? app : undefined
}

/** Pulling is for those who may read services, pushing for those who may deploy. */
const operationOf: Readonly<Record<RegistryAction, { readonly operation: OperationName; readonly verb: ScopeVerb }>> = {
  pull: { operation: "services.list", verb: "read" },
  push: { operation: "apps.deploy", verb: "deploy" }
}

const mayDo = (
  { credential, roles, scopes }: Pick<Caller, "credential" | "roles" | "scopes">,
  action: RegistryAction,
  app: AppName
): boolean => {
  const { operation, verb } = operationOf[action]
  const allowed = rowOf(operation).roles
  return (
    // A node's password is only for pulling, whatever roles may do.
    (credential.type !== "pull" || action === "pull") &&
    roles.every((role) => allowed === "open" || allowed.includes(role)) &&
    // An image belongs to its app, in every stage.
    (scopes === undefined || scopes.some((scope) => scopeOpens(scope, verb, app, placeOfScope(scope).stage)))
  )
}

const isAction = (text: string): text is RegistryAction => text === "pull" || text === "push"

/** A requested scope of a known form: `repository:NAME:ACTIONS`. */
const readScope = (scope: string) => {
  const [type, name = "", actions = "", ...more] = scope.split(":")
  return type === "repository" && more.length === 0
    ? { name, actions: actions.split(",").slice(0, mostActions) }
    : undefined
}

/**
 * What a token may contain of the scopes that a client requests, by the credential alone: `repository:NAME:pull,push`.
 * Unknown types, classes, actions and names give nothing, without an error: that's how a registry's clients learn what
 * they may do. Scopes of one repository are merged. Linear in its input.
 */
export const grantScopes = (
  caller: Pick<Caller, "credential" | "organization" | "roles" | "scopes">,
  requested: ReadonlyArray<string>
): ReadonlyArray<Access> => {
  const granted = new Map<string, Set<RegistryAction>>()
  for (const scope of requested.slice(0, mostScopes)) {
    const read = readScope(scope)
    const app = read === undefined ? undefined : appOf(read.name, caller.organization.id)
    if (read === undefined || app === undefined) continue
    const actions = read.actions.filter(isAction).filter((action) => mayDo(caller, action, app))
    if (actions.length > 0) granted.set(read.name, new Set([...(granted.get(read.name) ?? []), ...actions]))
  }
  return [...granted].map(([name, actions]) => ({ type: "repository", name, actions: [...actions] }))
}

/** Pulling from a repository of this organization; nothing for any other name. */
export const grantPull = (organizationId: OrganizationId, repository: string): ReadonlyArray<Access> =>
  appOf(repository, organizationId) === undefined ? [] : [{ type: "repository", name: repository, actions: ["pull"] }]

/** The requested scopes that a token doesn't contain in full. */
export const refusedScopes = (
  requested: ReadonlyArray<string>,
  granted: ReadonlyArray<Access>
): ReadonlyArray<string> => {
  const actionsOf = new Map(granted.map(({ actions, name }) => [name, new Set<string>(actions)]))
  return requested.filter((scope, at) => {
    const read = at < mostScopes ? readScope(scope) : undefined
    const given = read === undefined ? undefined : actionsOf.get(read.name)
    return given === undefined || !read?.actions.every((action) => given.has(action))
  })
}
