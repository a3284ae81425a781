import { Role } from "@maxcloud/sdk/api"
import type { Caller } from "./Caller.ts"

const everyone: ReadonlyArray<Role> = Role.literals

const given: Readonly<Record<Role, ReadonlyArray<Role>>> = {
  owner: everyone,
  admin: ["admin", "deployer", "viewer", "billing"],
  deployer: ["deployer", "viewer"],
  viewer: ["viewer"],
  billing: ["billing"]
}

/** May a holder of all these roles grant this one (to a key, an invite, a trust)? Nobody grants more than they have. */
export const mayGive = (roles: ReadonlyArray<Role>, role: Role) => roles.every((value) => given[value].includes(role))

/** The role that results from a key's and its creator's. */
export const effectiveRole = ({ roles }: Pick<Caller, "roles">): Role =>
  everyone.findLast((role) => roles.includes(role)) ?? "viewer"
