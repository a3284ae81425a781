import { SqlClient } from "@effect/sql/SqlClient"
import { type OrganizationId, UserId, type WebhookId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { CurrentLanguage } from "../identity/Language.ts"
import { mailTexts } from "../identity/mailTexts.ts"
import type { Mail } from "../mail/Mail.ts"
import { failingDays } from "./schedule.ts"

const decodePeople = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ id: UserId, email: Schema.String, organization: Schema.String }))
)

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
    const say = mailTexts[yield* CurrentLanguage]
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
            subject: say.webhookSubject(organization),
            text: [
              say.webhookIntro(webhook, host, because === "failing" ? failingDays : undefined),
              "",
              say.webhookNext,
              "",
              `maxcloud webhooks deliveries ${webhook}`,
              `maxcloud webhooks enable ${webhook}`,
              "",
              say.webhookEnd
            ].join("\n")
          },
          id
        ),
      { discard: true }
    )
  })
