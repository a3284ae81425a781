import type { SqlClient } from "@effect/sql/SqlClient"
import { Conflict, type CreateOidcTrust, type Forbidden, InvalidRequest } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { newId } from "../../../base/database/newId.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { inTransaction, isUniqueViolation } from "../../../base/database/sqlErrors.ts"
import { storableJson } from "../../../base/database/storable.ts"
import type { Caller } from "../../access/Caller.ts"
import { effectiveRole, mayGive } from "../../access/policy.ts"
import type { Audit } from "../../audit/Audit.ts"
import { IssuerProblem, type makeIssuerDocuments } from "./issuerDocuments.ts"
import { selectKeys } from "./keyRows.ts"
import { refuse } from "./keyRules.ts"
import { digestOf, selectTrusts, trustInfo } from "./trustRows.ts"
import { problemOfClaims } from "./trustRules.ts"

type IssuerDocuments = Effect.Effect.Success<ReturnType<typeof makeIssuerDocuments>>

const check = (caller: Caller, input: CreateOidcTrust): Effect.Effect<void, Forbidden> => {
  if (caller.scopes !== undefined) {
    return refuse(`this credential is narrowed to ${caller.scopes.join(", ")}, so it can't grant access to others`)
  }
  if (!mayGive(caller.roles, input.role)) {
    return refuse(
      `nobody grants more than they have: you are ${effectiveRole(caller)} of "${caller.organization.name}", and the trust would be ${input.role}`
    )
  }
  const problem = problemOfClaims(input.issuer, input.claims)
  return problem === undefined ? Effect.void : refuse(problem)
}

/** A trust never expires, so an expiring credential can't create one. */
const checkEnd = (sql: SqlClient, { credential, organization }: Caller) =>
  Effect.gen(function* () {
    if (credential.type === "oidc") {
      return yield* refuse(
        "A token from an issuer can't create a trust, because the trust would outlive it. Sign in with `maxcloud auth login`."
      )
    }
    if (credential.type !== "key") return
    const [own] = yield* selectKeys(sql, organization.id, credential.id)
    if (own === undefined || own.expires_at !== null) {
      return yield* refuse("A trust doesn't expire, but this key does. Sign in with `maxcloud auth login`.")
    }
  })

/** Fetch the issuer's keys before trusting it, so that a mistake shows at once. */
const askForKeys = (documents: IssuerDocuments, issuer: string) =>
  Effect.tryPromise({
    try: () => documents.keySet(issuer),
    catch: (error) =>
      error instanceof IssuerProblem ? unusable(`Couldn't fetch the issuer's signing keys: ${error.message}`) : error
  }).pipe(Effect.catchAll((error) => (error instanceof InvalidRequest ? Effect.fail(error) : Effect.die(error))))

const unusable = (detail: string) =>
  new InvalidRequest({ detail: `issuer: ${detail}`, errors: [{ pointer: "/issuer", code: "invalid_value", detail }] })

const insert = (sql: SqlClient, audit: typeof Audit.Service, caller: Caller, input: CreateOidcTrust) =>
  Effect.gen(function* () {
    const id = newId("oidc")
    yield* sql`
      insert into oidc_trusts (organization_id, id, name, issuer, claims, role, scopes, created_by)
      values (${caller.organization.id}, ${id}, ${input.name}, ${input.issuer},
        ${storableJson(input.claims)}::jsonb, ${input.role}, ${storableJson(input.scopes)}::jsonb,
        ${caller.person?.id ?? null})`
    const [row] = yield* selectTrusts(sql, caller, id)
    if (row === undefined) return yield* Effect.dieMessage("couldn't store the trust")
    const trust = trustInfo(caller, row)
    yield* audit.append({
      action: "auth.createOidcTrust",
      outcome: "succeeded",
      status: 201,
      subject: `OIDC trust ${trust.name}`,
      after: digestOf(trust)
    })
    return trust
  })

/** A trust with no more rights than the caller has. */
export const createTrust = (
  sql: SqlClient,
  audit: typeof Audit.Service,
  documents: IssuerDocuments,
  caller: Caller,
  input: CreateOidcTrust
) =>
  Effect.gen(function* () {
    yield* check(caller, input)
    yield* asServer(checkEnd(sql, caller))
    yield* askForKeys(documents, input.issuer)
    return yield* asServer(inTransaction(sql, insert(sql, audit, caller, input))).pipe(
      Effect.catchIf(
        (error) => error._tag === "SqlError" && isUniqueViolation(error),
        () =>
          new Conflict({
            detail: `An OIDC trust "${input.name}" already exists. Delete it first, or choose another name.`
          })
      )
    )
  })
