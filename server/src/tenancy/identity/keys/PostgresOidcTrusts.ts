import { SqlClient } from "@effect/sql/SqlClient"
import { type CreateOidcTrust, NotFound, type OidcTrustId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { asServer } from "../../../base/database/RowScope.ts"
import { inTransaction } from "../../../base/database/sqlErrors.ts"
import type { Caller } from "../../access/Caller.ts"
import { Audit } from "../../audit/Audit.ts"
import { whereAway } from "../whereAway.ts"
import { createTrust } from "./createTrust.ts"
import { type IssuerOptions, makeIssuerDocuments } from "./issuerDocuments.ts"
import { OidcTrusts } from "./OidcTrusts.ts"
import { digestOf, pageOfTrusts, selectTrusts, trustInfo } from "./trustRows.ts"

const remove = (sql: SqlClient, audit: typeof Audit.Service, caller: Caller, id: OidcTrustId) => {
  const work = Effect.gen(function* () {
    const [row] = yield* selectTrusts(sql, caller, id)
    const gone = yield* sql`
      delete from oidc_trusts where organization_id = ${caller.organization.id} and id = ${id} returning id`
    if (row === undefined || gone.length === 0) {
      return yield* new NotFound({
        resource: "oidcTrust",
        resourceName: id,
        detail: `there's no OIDC trust ${id}. \`maxcloud auth oidc list\` shows them`
      })
    }
    yield* audit.append({
      action: "auth.deleteOidcTrust",
      outcome: "succeeded",
      status: 204,
      subject: `OIDC trust ${row.name}`,
      before: digestOf(trustInfo(caller, row))
    })
  })
  return asServer(inTransaction(sql, work))
}

/**
 * `OidcTrusts` in the table `oidc_trusts`. The creators' addresses are in a table that belongs to no organization, so
 * everything runs `asServer`; each query names the organization itself.
 */
export const layer = (options: IssuerOptions) =>
  Layer.scoped(
    OidcTrusts,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const documents = yield* makeIssuerDocuments(options)

      return {
        create: Effect.fn("OidcTrusts.create")(
          (caller: Caller, input: CreateOidcTrust) => createTrust(sql, audit, documents, caller, input),
          whereAway
        ),
        page: Effect.fn("OidcTrusts.page")((caller, paging) => asServer(pageOfTrusts(sql, caller, paging)), whereAway),
        remove: Effect.fn("OidcTrusts.remove")(
          (caller: Caller, id: OidcTrustId) => remove(sql, audit, caller, id),
          whereAway
        )
      }
    })
  )
