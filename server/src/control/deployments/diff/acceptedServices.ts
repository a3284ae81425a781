import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import type { ServiceEncoded, ServiceVersion } from "./changes.ts"

/** The last accepted services of an app and stage. */
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
