import { SqlClient } from "@effect/sql/SqlClient"
import { SecretName } from "@maxcloud/config-schema"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { StoredImages } from "../../../stores/images/storedImages.ts"

const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      spec: Schema.Unknown,
      secret_versions: Schema.Record({ key: SecretName, value: Schema.Int }),
      external_secrets: Schema.NullOr(Schema.Struct({ store: Schema.String, key: Schema.String })),
      images: StoredImages
    })
  )
)

/** A deployment's stored spec, and the versions that it was pinned to when it was accepted. */
export const pinnedBy = (organizationId: OrganizationId, id: string) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select spec, secret_versions, external_secrets, images from deployments
      where organization_id = ${organizationId} and id = ${id}`
  ).pipe(
    Effect.map((rows) => {
      const [row] = decodeRows(rows)
      return row === undefined
        ? undefined
        : {
            spec: row.spec,
            secretVersions: new Map(
              Object.entries(row.secret_versions).map(([name, version]) => [SecretName.make(name), version] as const)
            ),
            externalSecrets: row.external_secrets ?? undefined,
            images: row.images
          }
    })
  )
