import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationName } from "@maxcloud/config-schema"
import { AppStageList, Conflict, type DeletionStatus, NotFound, UserId } from "@maxcloud/sdk/api"
import { Effect, Schema, Stream } from "effect"
import { notifying } from "../../base/database/notifying.ts"
import { everyPage } from "../../base/database/paging.ts"
import { transaction } from "../../base/database/sqlErrors.ts"
import type { Language } from "../../base/pages/acceptLanguage.ts"
import type { Organization } from "../../base/words/Organization.ts"
import type { Caller } from "../../tenancy/access/Caller.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { CurrentLanguage } from "../../tenancy/identity/Language.ts"
import { mailTexts } from "../../tenancy/identity/mailTexts.ts"
import { Mail } from "../../tenancy/mail/Mail.ts"
import { Deployments } from "../deployments/Deployments.ts"
import { insertErasure, newErasureId } from "./erasures.ts"

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      name: OrganizationName,
      delete_after: Schema.NullOr(Schema.DateFromSelf),
      due: Schema.NullOr(Schema.Boolean)
    })
  )
)
const decodeOwners = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: UserId, email: Schema.String })))
const decodeStages = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ after: Schema.DateFromSelf })))

const lock = ({ id }: Organization) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    return decodeOrganizations(
      yield* sql`
        select name, delete_after, delete_after <= clock_timestamp() as due
        from organizations where id = ${id} for no key update`
    )[0]
  })

/** Deploys nothing to every app and stage, which ends its services. Returns how many there were. */
export const endServices = (organization: Organization) =>
  Effect.gen(function* () {
    const deployments = yield* Deployments
    const running = yield* Stream.runCollect(
      everyPage((cursor) => deployments.apps(organization, {}, AppStageList.pagingOf({ cursor })))
    ).pipe(Effect.catchTag("InvalidRequest", Effect.die))
    for (const { app, stage } of running) {
      // An owner may still keep the organization, with its secrets.
      yield* deployments
        .destroy(organization, app, stage, { keepsSecrets: true })
        .pipe(Effect.catchTag("NotFound", () => Effect.void))
    }
    return running.length
  })

const mailTo = (language: Language, email: string, name: string, by: string | undefined, after: string) => {
  const say = mailTexts[language]
  return {
    to: email,
    subject: say.deletionSubject(name),
    text: [
      say.deletionIntro(name, by),
      say.deletionServices,
      after,
      say.deletionKeep,
      "maxcloud org keep",
      say.deletionEnd
    ].join("\n\n")
  }
}

/** Ends the organization's services now, and schedules its erasure for after `graceDays`: all or nothing. */
export const deleteOrganization = (
  { credential, organization, person }: Caller,
  { graceDays, name }: { readonly name: string; readonly graceDays: number }
) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const mail = yield* Mail
      const found = yield* lock(organization)
      if (found === undefined || found.name !== name) {
        return yield* new Conflict({
          detail: `This would delete "${organization.name}", not "${name}". Enter the name of the organization to delete, or first switch to the other one (\`maxcloud org switch\`).`
        })
      }
      if (credential.type === "local") {
        return yield* new Conflict({
          detail: `"${name}" is the organization of a server without sign-in, so it can't be deleted. Run \`maxcloud destroy\` to remove an app. Everything else is stored only in the server's data folder.`
        })
      }
      if (found.delete_after !== null) {
        return yield* new Conflict({
          detail: `"${name}" is already being deleted. It will be erased after ${found.delete_after.toISOString()}. Until then, run \`maxcloud org keep\` to cancel that.`
        })
      }
      const rows = decodeStages(
        yield* sql`
          update organizations set delete_after = clock_timestamp() + ${graceDays} * interval '1 day'
          where id = ${organization.id} returning delete_after as after`
      )
      const deleteAfter = (rows[0]?.after ?? new Date()).toISOString()
      const certificateId = newErasureId()
      yield* insertErasure(certificateId, "organization", organization.id)
      yield* endServices(organization)
      const owners = decodeOwners(
        yield* sql`
          select u.id, u.email from users u join memberships m on m.user_id = u.id
          where m.organization_id = ${organization.id} and m.role = 'owner' order by u.id`
      )
      const language = yield* CurrentLanguage
      for (const { email, id } of owners) {
        yield* mail.add("deletion", mailTo(language, email, name, person?.email, deleteAfter), id)
      }
      yield* sql`select ${notifying(sql, "erasure")}`
      yield* audit.append({
        action: "organization.delete",
        outcome: "succeeded",
        status: 202,
        subject: `${name}, erased after ${deleteAfter}`,
        organizationId: organization.id
      })
      return { deleteAfter, certificateId } satisfies DeletionStatus
    })
  )

/** Cancels the organization's deletion. Its services have been stopped, and need a new deployment. */
export const cancelDeletion = ({ organization }: Caller) =>
  transaction(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const audit = yield* Audit
      const found = yield* lock(organization)
      if (found?.delete_after == null || found.due === true) {
        const detail =
          found?.due === true
            ? `The grace period of "${organization.name}" is over. It is being erased.`
            : `"${organization.name}" isn't being deleted.`
        return yield* new NotFound({ detail, resource: "organization", resourceName: organization.name })
      }
      yield* sql`update organizations set delete_after = null where id = ${organization.id}`
      yield* sql`delete from erasures where subject_type = 'organization' and subject_id = ${organization.id}`
      yield* audit.append({
        action: "organization.cancelDeletion",
        outcome: "succeeded",
        status: 204,
        subject: organization.name,
        organizationId: organization.id
      })
    })
  )
