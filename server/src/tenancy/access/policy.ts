import type { HttpApi, HttpApiEndpoint, HttpApiGroup } from "@effect/platform"
import type { MaxCloudApi, Role, ScopeVerb } from "@maxcloud/sdk/api"
import type { Caller } from "./Caller.ts"

type GroupOf<A> = A extends HttpApi.HttpApi<infer _I, infer G, infer _E, infer _R> ? G : never
type OperationOf<G> =
  G extends HttpApiGroup.HttpApiGroup<infer Id, infer E, infer _Error, infer _R, infer _Top>
    ? `${Id}.${HttpApiEndpoint.HttpApiEndpoint.Name<E>}`
    : never

/** An operation of the API: its group and its name, such as `apps.deploy`. */
export type Operation = OperationOf<GroupOf<typeof MaxCloudApi>>

/**
 * Where a key that is narrowed to apps and stages finds the one that an operation is about: in the path, the query, by the service or
 * deployment of the path; `organization`: it is about none, and open to every narrowed key that has the verb.
 */
export type ScopePlace = "path" | "query" | "service" | "deployment" | "organization"

export interface Rule {
  /** Who may; `open`: it needs no credential. */
  readonly roles: ReadonlyArray<Role> | "open"
  /** Does it change anything? Then it has an entry in the audit log, whatever the answer. */
  readonly writes: boolean
  /** Which scopes of a narrowed key open it; absent: none does. */
  readonly scope?: { readonly verb: ScopeVerb; readonly at: ScopePlace }
  /** May somebody do it whose address is not confirmed yet? */
  readonly unverified?: true
}

const everyone: ReadonlyArray<Role> = ["owner", "admin", "deployer", "viewer", "billing"]
const readers: ReadonlyArray<Role> = ["owner", "admin", "deployer", "viewer"]
const deployers: ReadonlyArray<Role> = ["owner", "admin", "deployer"]
const admins: ReadonlyArray<Role> = ["owner", "admin"]
const owners: ReadonlyArray<Role> = ["owner"]

const open = { roles: "open", writes: false } as const
const signsIn = { roles: "open", writes: true } as const
const reads = (at: ScopePlace): Rule => ({ roles: readers, writes: false, scope: { verb: "read", at } })
const deploys = (at: ScopePlace): Rule => ({ roles: deployers, writes: true, scope: { verb: "deploy", at } })

/** Who may do what. The enforcement, the page `docs/reference/roles.md` and the tests of every operation by every role are made from this. */
export const policy: Readonly<Record<Operation, Rule>> = {
  "health.healthz": open,
  "health.readyz": open,
  "info.get": { roles: everyone, writes: false, scope: { verb: "read", at: "organization" }, unverified: true },

  "services.list": reads("query"),
  "services.get": reads("service"),
  "services.revisions": reads("service"),
  "services.logs": reads("service"),
  "services.create": { roles: deployers, writes: true },
  "services.delete": deploys("service"),
  "services.pause": deploys("service"),
  "services.resume": deploys("service"),
  "services.restart": deploys("service"),
  "services.exec": deploys("service"),

  "apps.list": { roles: readers, writes: false },
  "apps.plan": reads("path"),
  "apps.deployments": reads("path"),
  "apps.secrets": reads("path"),
  "apps.secretVersions": reads("path"),
  "apps.drift": reads("path"),
  "apps.deploy": deploys("path"),
  "apps.destroy": deploys("path"),
  "apps.setSecret": deploys("path"),
  "apps.unsetSecret": deploys("path"),
  "apps.importSecrets": deploys("path"),
  "apps.rollbackSecret": deploys("path"),
  "apps.verifyNetwork": deploys("path"),

  "deployments.get": reads("deployment"),
  "deployments.events": reads("deployment"),

  "sources.get": { roles: deployers, writes: false, scope: { verb: "deploy", at: "organization" } },
  "sources.put": deploys("organization"),

  "usage.read": { roles: everyone, writes: false },

  "registries.list": { roles: readers, writes: false },
  "registries.login": { roles: admins, writes: true },
  "registries.logout": { roles: admins, writes: true },

  "signIn.register": signsIn,
  "signIn.acceptInvite": signsIn,
  "signIn.verify": signsIn,
  "signIn.startDevice": signsIn,
  "signIn.pollDevice": open,

  "auth.status": { roles: everyone, writes: false, scope: { verb: "read", at: "organization" }, unverified: true },
  "auth.signOut": { roles: everyone, writes: true, unverified: true },
  "auth.switchOrganization": { roles: everyone, writes: true, unverified: true },
  "auth.resendVerification": { roles: everyone, writes: true, unverified: true },
  "auth.apiKeys": { roles: everyone, writes: false, unverified: true },
  "auth.createApiKey": { roles: everyone, writes: true, unverified: true },
  "auth.rotateApiKey": { roles: everyone, writes: true, unverified: true },
  "auth.deleteApiKey": { roles: everyone, writes: true, unverified: true },
  "auth.invites": { roles: admins, writes: false },
  "auth.createInvite": { roles: admins, writes: true },
  "auth.revokeInvite": { roles: admins, writes: true },
  "auth.oidcTrusts": { roles: admins, writes: false },
  "auth.createOidcTrust": { roles: admins, writes: true },
  "auth.deleteOidcTrust": { roles: admins, writes: true },

  "organization.get": { roles: everyone, writes: false },
  "organization.members": { roles: everyone, writes: false },
  "organization.changeMember": { roles: admins, writes: true },
  "organization.removeMember": { roles: admins, writes: true },
  "organization.export": { roles: owners, writes: false },
  "organization.delete": { roles: owners, writes: true },
  "organization.cancelDeletion": { roles: owners, writes: true },

  "account.createOrganization": { roles: everyone, writes: true },
  "account.export": { roles: everyone, writes: false, unverified: true },
  "account.delete": { roles: everyone, writes: true, unverified: true },
  "erasures.get": open,

  "audit.list": { roles: admins, writes: false },
  "audit.export": { roles: admins, writes: false }
}

const given: Readonly<Record<Role, ReadonlyArray<Role>>> = {
  owner: everyone,
  admin: ["admin", "deployer", "viewer", "billing"],
  deployer: ["deployer", "viewer"],
  viewer: ["viewer"],
  billing: ["billing"]
}

/** May a holder of all these roles give somebody (a key, an invite, a trust) this one? Nobody gives more than they have. */
export const mayGive = (roles: ReadonlyArray<Role>, role: Role) => roles.every((_) => given[_].includes(role))

/** The role that is left of a key's and its maker's. */
export const effectiveRole = ({ roles }: Pick<Caller, "roles">): Role =>
  everyone.findLast((role) => roles.includes(role)) ?? "viewer"
