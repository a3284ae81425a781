import { Either, Layer } from "effect"
import { mailRoute } from "../base/settings/mailSettings.ts"
import { callsWithoutCredential, type ServerSettings } from "../base/settings/ServerConfig.ts"
import * as Privacy from "../control/privacy/layer.ts"
import * as ApiKeys from "../tenancy/identity/keys/PostgresApiKeys.ts"
import * as PostgresAuthenticator from "../tenancy/identity/keys/PostgresAuthenticator.ts"
import * as OidcTrusts from "../tenancy/identity/keys/PostgresOidcTrusts.ts"
import * as Places from "../tenancy/identity/Places.ts"
import * as Accounts from "../tenancy/identity/PostgresAccounts.ts"
import * as Devices from "../tenancy/identity/PostgresDevices.ts"
import * as Invites from "../tenancy/identity/PostgresInvites.ts"
import * as Members from "../tenancy/identity/PostgresMembers.ts"
import * as Sessions from "../tenancy/identity/PostgresSessions.ts"
import * as sweep from "../tenancy/identity/sweep.ts"
import * as RateLimits from "../tenancy/limits/PostgresRateLimits.ts"
import * as Mail from "../tenancy/mail/PostgresMail.ts"
import * as Transport from "../tenancy/mail/transportLayer.ts"
import * as Policies from "../tenancy/policies/PostgresPolicies.ts"
import * as Webhooks from "../tenancy/webhooks/PostgresWebhooks.ts"
import * as WebhookWorker from "../tenancy/webhooks/WebhookWorker.ts"

/** Identity: people, their organizations and credentials, mail, limits, and stored personal data. Needs the services. */
export const identityLayer = (settings: ServerSettings, publicUrl: string) => {
  const withoutCredential = callsWithoutCredential(settings)
  const registration = settings.registration ?? (withoutCredential ? "open" : "invite")
  const route = mailRoute(settings, withoutCredential)
  const registersByMail = Either.isRight(route) && route.right.type !== "log"
  const people = { registration, publicUrl, registersByMail } as const
  const issuers = {
    allowPrivateIssuers: settings.privateIssuers || withoutCredential,
    proxyChecksAddresses: settings.proxyChecksAddresses
  }
  return Layer.mergeAll(
    Accounts.layer(people),
    Devices.layer(people),
    Sessions.layer(people),
    Invites.layer(people),
    Members.layer,
    ApiKeys.layer,
    OidcTrusts.layer(issuers),
    PostgresAuthenticator.layer(issuers),
    Places.layer,
    Privacy.layer(settings),
    sweep.layer,
    Policies.layer,
    Webhooks.layer({ allowPrivate: withoutCredential }),
    WebhookWorker.layer({ allowPrivate: withoutCredential, proxyChecksAddresses: settings.proxyChecksAddresses })
  ).pipe(
    Layer.provideMerge(Mail.layer()),
    Layer.provideMerge(Layer.mergeAll(RateLimits.layer, Transport.layer(settings)))
  )
}
