import { SqlClient } from "@effect/sql/SqlClient"
import { ServiceName } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import type { Target } from "../../base/words/Target.ts"
import type { ServiceEncoded, ServiceVersion } from "./changes.ts"

const decodeOwners = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ name: ServiceName, app: Schema.String })))

/** The services of an app and stage as they were last accepted. */
export const acceptedServices = ({ app, organization, stage }: Target) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{
      name: string
      spec: ServiceEncoded
      secret_versions: Record<string, number>
      pinned_image: string | null
    }>`
      select name, spec, secret_versions, pinned_image from services
      where organization_id = ${organization.id} and app = ${app} and stage = ${stage} order by name`
  ).pipe(
    Effect.map((rows) =>
      rows.map(
        (row): ServiceVersion => ({
          name: row.name,
          spec: row.spec,
          secretVersions: row.secret_versions,
          pinnedImage: row.pinned_image
        })
      )
    )
  )

/** Those of `names` that another app has in the same organization and stage. */
export const ownedByOthers = ({ app, organization, stage }: Target, names: ReadonlyArray<ServiceName>) =>
  Effect.flatMap(SqlClient, (sql) =>
    names.length === 0
      ? Effect.succeed([])
      : sql`
          select name, app from services
          where organization_id = ${organization.id} and stage = ${stage} and app <> ${app} and name in ${sql.in(names)}
          order by name`
  ).pipe(Effect.map(decodeOwners))

export const ownedMessage = (owner: { readonly name: string; readonly app: string }, stage: string) =>
  `the service "${owner.name}" belongs to the app "${owner.app}" in the stage "${stage}": choose another name, or delete it there`
