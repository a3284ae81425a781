import { SqlClient } from "@effect/sql/SqlClient"
import {
  Conflict,
  type CreateOidcTrust,
  Forbidden,
  KeyScope,
  NotFound,
  OidcTrustId,
  type OidcTrustInfo,
  Role
} from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { newId } from "../../../base/database/newId.ts"
import { asServer } from "../../../base/database/RowScope.ts"
import { isUniqueViolation, transaction } from "../../../base/database/sqlErrors.ts"
import { storableJson } from "../../../base/database/storable.ts"
import type { Caller } from "../../access/Caller.ts"
import { effectiveRole, mayGive } from "../../access/policy.ts"
import { Audit } from "../../audit/Audit.ts"
import { whereAway } from "../whereAway.ts"
import { OidcTrusts } from "./ApiKeys.ts"
import { makerColumns, withMaker } from "./credentialRows.ts"
import { audienceOf } from "./idTokenParts.ts"
import { type IssuerOptions, IssuerProblem, makeIssuerDocuments } from "./issuerDocuments.ts"
import { selectKeys } from "./keyRows.ts"
import { publicDigest } from "./publicDigest.ts"
import { problemOfClaims } from "./trustRules.ts"
import { makerFields, standingOf } from "./trustStanding.ts"

const TrustRow = Schema.Struct({
  id: OidcTrustId,
  name: Schema.String,
  issuer: Schema.String,
  claims: Schema.Record({ key: Schema.String, value: Schema.String }),
  role: Role,
  scopes: Schema.Array(KeyScope),
  created_at: Schema.DateFromSelf,
  last_used_at: Schema.NullOr(Schema.DateFromSelf),
  ...makerFields
})
const decode = Schema.decodeUnknownSync(Schema.Array(TrustRow))

/** `OidcTrusts` in the table `oidc_trusts`. An issuer is asked for its keys before it is trusted, so that a slip is found at once. */
export const layer = (options: IssuerOptions) =>
  Layer.scoped(
    OidcTrusts,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const documents = yield* makeIssuerDocuments(options)
      // The makers' addresses stand in a table that belongs to no organization; each query names the organization itself.
      const inTransaction = <A, E>(effect: Effect.Effect<A, E>) =>
        asServer(Effect.provideService(transaction(effect), SqlClient, sql))

      const select = ({ organization }: Caller, id?: string) =>
        Effect.map(
          sql`
            select oidc_trusts.id, name, issuer, claims, oidc_trusts.role, scopes, oidc_trusts.created_at, last_used_at,
              ${makerColumns(sql)}
            from oidc_trusts ${withMaker(sql)}
            where oidc_trusts.organization_id = ${organization.id}
              and ${id === undefined ? sql`true` : sql`oidc_trusts.id = ${id}`}
            order by oidc_trusts.created_at, oidc_trusts.id`,
          decode
        )

      const list = Effect.fn("OidcTrusts.list")((caller: Caller) =>
        Effect.map(select(caller), (rows) => rows.map((row) => infoOf(caller, row))).pipe(asServer, whereAway)
      )

      /** A trust has no end: what has one makes none. */
      const checkEnd = ({ credential, organization }: Caller) =>
        Effect.gen(function* () {
          if (credential.type === "oidc") {
            return yield* refuse(
              "a token of an issuer makes no trusts, which would outlive it: sign in with `maxcloud auth login`"
            )
          }
          if (credential.type !== "key") return
          const [own] = yield* selectKeys(sql, organization.id, credential.id)
          if (own === undefined || own.expires_at !== null) {
            return yield* refuse("a trust has no end, and this key ends: sign in with `maxcloud auth login`")
          }
        })

      const create = Effect.fn("OidcTrusts.create")(function* (caller: Caller, input: CreateOidcTrust) {
        yield* check(caller, input)
        yield* asServer(checkEnd(caller))
        yield* Effect.tryPromise({
          try: () => documents.keySet(input.issuer),
          catch: (error) =>
            error instanceof IssuerProblem
              ? new Forbidden({ detail: `couldn't fetch the issuer's signing keys: ${error.message}` })
              : error
        }).pipe(Effect.catchAll((error) => (error instanceof Forbidden ? Effect.fail(error) : Effect.die(error))))
        return yield* inTransaction(
          Effect.gen(function* () {
            const id = newId("oidc")
            yield* sql`
              insert into oidc_trusts (organization_id, id, name, issuer, claims, role, scopes, created_by)
              values (${caller.organization.id}, ${id}, ${input.name}, ${input.issuer},
                ${storableJson(input.claims)}::jsonb, ${input.role}, ${storableJson(input.scopes)}::jsonb,
                ${caller.person?.id ?? null})`
            const [row] = yield* select(caller, id)
            if (row === undefined) return yield* Effect.dieMessage("the trust was not written")
            const trust = infoOf(caller, row)
            yield* audit.append({
              action: "auth.createOidcTrust",
              outcome: "succeeded",
              status: 201,
              subject: `OIDC trust ${trust.name}`,
              after: digestOf(trust)
            })
            return trust
          })
        ).pipe(
          Effect.catchIf(
            (error) => error._tag === "SqlError" && isUniqueViolation(error),
            () =>
              new Conflict({
                detail: `There is an OIDC trust "${input.name}" already: delete it first, or choose another name.`
              })
          )
        )
      }, whereAway)

      const remove = Effect.fn("OidcTrusts.remove")(
        (caller: Caller, id: OidcTrustId) =>
          inTransaction(
            Effect.gen(function* () {
              const [row] = yield* select(caller, id)
              const gone = yield* sql`
                delete from oidc_trusts where organization_id = ${caller.organization.id} and id = ${id} returning id`
              if (row === undefined || gone.length === 0) {
                return yield* new NotFound({
                  resource: "oidcTrust",
                  name: id,
                  detail: `there is no OIDC trust ${id}: \`maxcloud auth oidc list\` shows them`
                })
              }
              yield* audit.append({
                action: "auth.deleteOidcTrust",
                outcome: "succeeded",
                status: 204,
                subject: `OIDC trust ${row.name}`,
                before: digestOf(infoOf(caller, row))
              })
            })
          ),
        whereAway
      )

      return { create, list, remove }
    })
  )

/** What a trust says, but not when it was used, nor what is left of it by whom: the log keeps no address outside what is sealed. */
const digestOf = ({ createdBy, effectiveRole, lastUsedAt, limitedBecause, ...said }: OidcTrustInfo) =>
  publicDigest(said)

const infoOf = (caller: Caller, row: typeof TrustRow.Type): OidcTrustInfo => {
  const { limit, roles } = standingOf(row)
  return {
    id: row.id,
    name: row.name,
    issuer: row.issuer,
    audience: audienceOf(caller.organization.name),
    claims: row.claims,
    role: row.role,
    scopes: row.scopes,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    createdBy: row.maker_email,
    effectiveRole: roles.length === 0 ? null : effectiveRole({ roles }),
    limitedBecause: limit ?? null
  }
}

const check = (caller: Caller, input: CreateOidcTrust): Effect.Effect<void, Forbidden> => {
  if (caller.scopes !== undefined) {
    return refuse(`this credential is narrowed to ${caller.scopes.join(", ")}, and gives no others access`)
  }
  if (!mayGive(caller.roles, input.role)) {
    return refuse(
      `nobody gives more than they have: you are ${effectiveRole(caller)} of "${caller.organization.name}", and the trust would be ${input.role}`
    )
  }
  const problem = problemOfClaims(input.issuer, input.claims)
  return problem === undefined ? Effect.void : refuse(problem)
}

const refuse = (detail: string) => Effect.fail(new Forbidden({ detail }))
