import {
  Forbidden,
  type KeyScope,
  type OperationName,
  type Role,
  type Rule,
  rowOf,
  scopeOpens,
  type Unavailable
} from "@maxcloud/sdk/api"
import { Effect, Option } from "effect"
import type { Caller } from "../access/Caller.ts"
import { effectiveRole } from "../access/policy.ts"
import { Places } from "./Places.ts"

/** The parts of a request that name its app and stage. */
export interface Asked {
  readonly operation: OperationName
  readonly parameters: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** Must addresses be confirmed before their accounts can do anything? */
  readonly verifiedOnly: boolean
}

/** Lets the caller do what the contract allows. Otherwise fails with what's missing and who can help. */
export const authorize = (caller: Caller, asked: Asked): Effect.Effect<void, Forbidden | Unavailable, Places> => {
  const rule = rowOf(asked.operation)
  const { roles } = rule
  if (roles === "open") return Effect.void
  if (asked.verifiedOnly && caller.person?.verified === false && rule.unverified !== true) {
    return refuse(
      "confirm your e-mail address first, with the link that was mailed to you. `maxcloud auth resend` sends it again"
    )
  }
  if (!caller.roles.every((role) => roles.includes(role))) return refuse(roleMessage(caller, asked.operation, roles))
  return caller.scopes === undefined ? Effect.void : authorizeNarrowed(caller, caller.scopes, rule, asked)
}

const authorizeNarrowed = (caller: Caller, scopes: ReadonlyArray<KeyScope>, { scope }: Rule, asked: Asked) =>
  Effect.gen(function* () {
    const own = scopes.join(", ")
    if (scope === undefined) {
      return yield* refuse(
        `this credential is narrowed to ${own}, but ${asked.operation} affects the whole organization`
      )
    }
    const { at, verb } = scope
    if (at === "organization") {
      return scopes.some((text) => verb === "read" || text.startsWith("deploy:"))
        ? undefined
        : yield* refuse(`this credential is narrowed to ${own}, which only allows reading`)
    }
    const place = yield* placeOf(caller, at, asked)
    if (place === undefined) {
      // A list without a place: its handler shows only what the scopes allow.
      if (at === "query") return
      return yield* refuse(`this credential is narrowed to ${own}, which contains no such ${at}`)
    }
    if (!scopes.some((value) => scopeOpens(value, verb, place.app, place.stage))) {
      return yield* refuse(
        `this credential is narrowed to ${own}, which doesn't allow ${verb}:${place.app}/${place.stage}`
      )
    }
  })

const placeOf = ({ organization }: Caller, at: "path" | "query" | "service" | "deployment", asked: Asked) =>
  Effect.gen(function* () {
    if (at === "path" || at === "query") {
      const app = at === "path" ? asked.parameters["app"] : asked.query.get("app")
      const stage = at === "path" ? asked.parameters["stage"] : asked.query.get("stage")
      return app == null || stage == null ? undefined : { app, stage }
    }
    const places = yield* Places
    return Option.getOrUndefined(yield* places.find(at, organization.id, asked.parameters["id"] ?? ""))
  })

const roleMessage = (caller: Caller, operation: OperationName, roles: ReadonlyArray<Role>) =>
  `${operation} is for the role${roles.length === 1 ? "" : "s"} ${roles.join(", ")} of the organization "${caller.organization.name}", and this ${
    caller.credential.type === "session" ? "account" : "credential"
  } is ${effectiveRole(caller)}: ask an owner or admin`

const refuse = (detail: string) => Effect.fail(new Forbidden({ detail }))
