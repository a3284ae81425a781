import { SqlClient } from "@effect/sql/SqlClient"
import { Author, Conflict, type OrganizationId, type Suspension, suspensionBounds } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { authorColumn, withEmails } from "../../../tenancy/access/authors.ts"
import { recordEvents } from "../../../tenancy/events/recordEvents.ts"
import { suspendedNow } from "../records/suspendedNow.ts"

const decodeSuspensions = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      suspended_at: Schema.DateFromSelf,
      suspended_until: Schema.DateFromSelf,
      suspend_reason: Schema.String,
      createdBy: Schema.NullOr(Author)
    })
  )
)

const decodeEnds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ until: Schema.DateFromSelf })))

/** The suspension of an app and stage; undefined if it isn't suspended. */
export const readSuspension = ({ app, organization, stage }: Target) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = decodeSuspensions(
      yield* sql`
        select a.suspended_at, a.suspended_until, a.suspend_reason, ${authorColumn(sql, "a", "suspended_by")}
        from app_stages a
        where organization_id = ${organization.id} and app = ${app} and stage = ${stage} and ${suspendedNow(sql, "a")}`
    )
    const [found] = yield* withEmails(
      rows.map(
        (row): Suspension => ({
          since: row.suspended_at.toISOString(),
          until: row.suspended_until.toISOString(),
          reason: row.suspend_reason,
          createdBy: row.createdBy
        })
      )
    )
    return found
  })

const byText = (author: Author | null) => (author === null ? "" : ` by ${author.name ?? author.id}`)

/** One sentence about a suspension, for warnings and refusals. */
const suspendedText = ({ app, stage }: Pick<Target, "app" | "stage">, { createdBy, reason, until }: Suspension) =>
  `The repair of ${app}/${stage} is suspended until ${until.replace(/\.\d+Z$/, "Z")}${byText(createdBy)}: "${reason}".`

const endCommand = ({ app, stage }: Pick<Target, "app" | "stage">) =>
  `\`maxcloud suspend --end --app ${app}${stage === "production" ? "" : ` --stage ${stage}`}\``

/** Tells the author of a plan or a deployment that somebody else may be working on the app's objects. */
export const suspensionWarnings = (target: Target) =>
  Effect.map(readSuspension(target), (suspension) =>
    suspension === undefined
      ? []
      : [
          {
            path: [],
            message: `${suspendedText(target, suspension)} A deployment still applies, but fails with FieldConflict if it would change a field that somebody else has set in the cluster. Deploy with --force-conflicts to overwrite such fields, or end the suspension first: ${endCommand(target)}.`
          }
        ]
  )

/** Applying a pause or a restart would overwrite the hotfix: refuse it. Call it with the stage's row locked. */
export const refuseWhileSuspended = (target: Target, act: string) =>
  Effect.flatMap(readSuspension(target), (suspension) =>
    suspension === undefined
      ? Effect.void
      : new Conflict({
          detail: `${suspendedText(target, suspension)} ${act} would apply the app again. End the suspension first: ${endCommand(target)}.`
        })
  )

/** The longest suspension, in milliseconds. */
export const longestMs = suspensionBounds.mostSeconds * 1_000

/** The event about a suspension. */
export const suspensionEvent = (
  type: "app.suspended" | "app.suspension-ended",
  { app, stage }: Pick<Target, "app" | "stage">,
  until: Date
) => ({ type, subject: `apps/${app}/stages/${stage}`, data: { app, stage, until: until.toISOString() } })

/**
 * Ends a stage's suspension, with one event, and returns its end; undefined: it wasn't suspended. `onlyExpired`: only if its time
 * is over. Call it in a transaction, with the stage's row locked.
 */
export const endSuspension = (
  { app, organizationId, stage }: Pick<Target, "app" | "stage"> & { readonly organizationId: OrganizationId },
  { onlyExpired = false } = {}
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [ended] = decodeEnds(
      yield* sql`
        with old as (
          select organization_id, app, stage, least(suspended_until, clock_timestamp()) as until from app_stages
          where organization_id = ${organizationId} and app = ${app} and stage = ${stage} and suspended_until is not null
            and (not ${onlyExpired} or suspended_until <= clock_timestamp())
        )
        update app_stages a set suspended_at = null, suspended_until = null, suspend_reason = null,
          suspended_by_type = null, suspended_by = null
        from old where a.organization_id = old.organization_id and a.app = old.app and a.stage = old.stage
        returning old.until`
    )
    if (ended === undefined) return undefined
    yield* recordEvents(organizationId, suspensionEvent("app.suspension-ended", { app, stage }, ended.until))
    return ended.until
  })
