import { SqlClient } from "@effect/sql/SqlClient"
import { type OrganizationId, UserId, type WebhookId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Mail } from "../mail/Mail.ts"
import { failingDays } from "./schedule.ts"

const decodePeople = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: UserId, email: Schema.String, organization: Schema.String }))
)

const why = {
  failing: `no delivery to it has succeeded for ${failingDays} days`,
  gone: "it answered 410 Gone"
}

/** Mails the organization's owners that a webhook was disabled. `host`: of its URL, whose path may be a secret. */
export const mailDisabled = (
  mail: typeof Mail.Service,
  organizationId: OrganizationId,
  webhook: WebhookId,
  host: string,
  because: "failing" | "gone"
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const people = decodePeople(
      yield* sql`
        select u.id, u.email, o.name as organization from memberships m
        join users u on u.id = m.user_id join organizations o on o.id = m.organization_id
        where m.organization_id = ${organizationId} and m.role = 'owner' and u.verified_at is not null order by u.id limit 20`
    )
    yield* Effect.forEach(
      people,
      ({ email, id, organization }) =>
        mail.add(
          "webhook",
          {
            to: email,
            subject: `A webhook of "${organization}" is disabled`,
            text: [
              `max-cloud disabled the webhook ${webhook} to ${host}, since ${why[because]}.`,
              "",
              "Nothing is sent to it until somebody enables it. See what failed, then enable it:",
              "",
              `maxcloud webhooks deliveries ${webhook}`,
              `maxcloud webhooks enable ${webhook}`,
              "",
              "Events are kept, and those that wait are sent then."
            ].join("\n")
          },
          id
        ),
      { discard: true }
    )
  })
