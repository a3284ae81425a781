import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, StageName } from "@maxcloud/config-schema"
import type { OrganizationId, Unavailable } from "@maxcloud/sdk/api"
import { Context, Effect, Layer, Option, Schema } from "effect"
import { orUnavailable } from "../../base/database/sqlErrors.ts"

export interface Place {
  readonly app: AppName
  readonly stage: StageName
}

/** The app and stage of a service or a deployment, for credentials narrowed to some. */
export class Places extends Context.Tag("@maxcloud/server/Places")<
  Places,
  {
    readonly find: (
      what: "service" | "deployment",
      organizationId: OrganizationId,
      id: string
    ) => Effect.Effect<Option.Option<Place>, Unavailable>
  }
>() {}

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ app: AppName, stage: StageName })))

export const layer = Layer.effect(
  Places,
  Effect.map(SqlClient, (sql) => ({
    find: (what, organizationId, id) =>
      sql`select app, stage from ${sql(what === "service" ? "services" : "deployments")}
        where organization_id = ${organizationId} and id = ${id}`.pipe(
        Effect.map((rows) => Option.fromNullable(decode(rows)[0])),
        orUnavailable
      )
  }))
)
