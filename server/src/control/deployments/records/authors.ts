import { SqlClient } from "@effect/sql/SqlClient"
import type { DeploymentAuthor } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { asServer } from "../../../base/database/RowScope.ts"
import { CurrentCaller } from "../../../tenancy/access/Caller.ts"

/** The credential of the current request, as it is stored with a deployment; undefined without one. */
export const currentAuthor: Effect.Effect<Pick<DeploymentAuthor, "type" | "id"> | undefined> = Effect.map(
  CurrentCaller,
  (caller) => {
    const credential = caller?.credential
    switch (credential?.type) {
      case "session":
        return caller?.person === undefined ? undefined : { type: "person", id: caller.person.id }
      case "key":
        return { type: "apiKey", id: credential.id }
      case "oidc":
        return { type: "oidc", id: credential.subject }
      default:
        return undefined
    }
  }
)

const decodePeople = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String, email: Schema.String })))

/** Adds people's email addresses. They aren't rows of an organization, and an erased person has none. */
export const withEmails = <D extends { readonly createdBy: DeploymentAuthor | null }>(deployments: ReadonlyArray<D>) =>
  Effect.gen(function* () {
    const people = deployments.flatMap(({ createdBy }) => (createdBy?.type === "person" ? [createdBy.id] : []))
    if (people.length === 0) return deployments
    const sql = yield* SqlClient
    const rows = decodePeople(
      yield* asServer(sql`select id, email from users where ${sql.in("id", [...new Set(people)])}`)
    )
    const emails = new Map(rows.map((row) => [row.id, row.email]))
    return deployments.map((deployment): D => {
      const { createdBy } = deployment
      if (createdBy?.type !== "person") return deployment
      return { ...deployment, createdBy: { ...createdBy, name: emails.get(createdBy.id) ?? null } }
    })
  })
