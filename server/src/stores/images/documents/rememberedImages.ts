import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { asOrganization } from "../../../base/database/RowScope.ts"
import { passingOnly } from "../../../base/database/sqlErrors.ts"
import { databaseWords } from "../../../base/postgres/DatabaseError.ts"
import { ImagesError } from "../Images.ts"

const decode = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ image_id: Schema.String, digest: Schema.String, age_ms: Schema.NumberFromString }))
)

/** The image that a registry gave an organization under a name, and when it last permitted it. */
export interface RememberedImage {
  /** The container engine's id of the image. */
  readonly imageId: string
  /** The registry's digest of the manifest. */
  readonly digest: string
}

const away = (cause: SqlError) =>
  new ImagesError({ message: `Couldn't look up the images that an organization may run. ${databaseWords(cause)}` })

const orAway = <A, R>(effect: Effect.Effect<A, SqlError, R>) => Effect.mapError(passingOnly(effect), away)

/** The table `image_access`. */
export const rememberedImages = Effect.map(SqlClient, (sql) => {
  const read = (rows: ReadonlyArray<unknown>) => {
    const row = decode(rows)[0]
    return row === undefined ? undefined : { imageId: row.image_id, digest: row.digest, ageMs: row.age_ms }
  }
  return {
    /** The newest, or the one that a revision has run before. */
    newest: (organizationId: OrganizationId, reference: string, imageId: string | undefined) =>
      sql`
        select image_id, digest, (extract(epoch from now() - checked_at) * 1000)::bigint::text as age_ms from image_access
        where organization_id = ${organizationId} and reference = ${reference}
          and (${imageId ?? null}::text is null or image_id = ${imageId ?? null})
        order by checked_at desc limit 1`.pipe(Effect.map(read), orAway, asOrganization(organizationId)),
    withDigest: (organizationId: OrganizationId, reference: string, digest: string) =>
      sql`
        select image_id, digest, (extract(epoch from now() - checked_at) * 1000)::bigint::text as age_ms from image_access
        where organization_id = ${organizationId} and reference = ${reference} and digest = ${digest}
        order by checked_at desc limit 1`.pipe(Effect.map(read), orAway, asOrganization(organizationId)),
    set: (organizationId: OrganizationId, reference: string, { digest, imageId }: RememberedImage) =>
      sql`
        insert into image_access ${sql.insert({ organization_id: organizationId, reference, image_id: imageId, digest })}
        on conflict (organization_id, reference, image_id) do update set digest = excluded.digest, checked_at = now()`.pipe(
        Effect.zipRight(sql`
          delete from image_access
          where organization_id = ${organizationId} and checked_at < now() - interval '30 days'`),
        Effect.asVoid,
        orAway,
        asOrganization(organizationId)
      ),
    /** A registry has refused it. */
    forget: (organizationId: OrganizationId, reference: string) =>
      sql`delete from image_access where organization_id = ${organizationId} and reference = ${reference}`.pipe(
        Effect.asVoid,
        orAway,
        asOrganization(organizationId)
      )
  }
})
export type RememberedImages = Effect.Effect.Success<typeof rememberedImages>
