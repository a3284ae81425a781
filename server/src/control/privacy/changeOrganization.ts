import { SqlClient } from "@effect/sql/SqlClient"
import type { ChangeOrganization } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { transaction } from "../../base/database/sqlErrors.ts"
import { sha256Hex } from "../../base/words/sha256Hex.ts"
import type { Caller } from "../../tenancy/access/Caller.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ display_name: Schema.NullOr(Schema.String) })))

/** Changes an organization's display name. Its name stays: hosts, namespaces and the audience of OIDC tokens contain it. */
export const changeOrganization = ({ organization: { id, name } }: Caller, { displayName }: ChangeOrganization) =>
  displayName === undefined
    ? Effect.void
    : transaction(
        Effect.gen(function* () {
          const sql = yield* SqlClient
          const audit = yield* Audit
          const [found] = decode(yield* sql`select display_name from organizations where id = ${id} for no key update`)
          yield* sql`update organizations set display_name = ${displayName} where id = ${id}`
          yield* audit.append({
            action: "organization.change",
            outcome: "succeeded",
            status: 200,
            subject: `organization ${name}`,
            before: sha256Hex(found?.display_name ?? name),
            after: sha256Hex(displayName ?? name),
            organizationId: id
          })
        })
      )
