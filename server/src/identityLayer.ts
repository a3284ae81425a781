import { Either, Layer } from "effect"
import * as Authenticator from "./identity/keys/Authenticator.ts"
import * as ApiKeys from "./identity/keys/PostgresApiKeys.ts"
import * as OidcTrusts from "./identity/keys/PostgresOidcTrusts.ts"
import * as Places from "./identity/Places.ts"
import * as Accounts from "./identity/PostgresAccounts.ts"
import * as Devices from "./identity/PostgresDevices.ts"
import * as Invites from "./identity/PostgresInvites.ts"
import * as Members from "./identity/PostgresMembers.ts"
import * as Sessions from "./identity/PostgresSessions.ts"
import * as sweep from "./identity/sweep.ts"
import * as RateLimits from "./limits/PostgresRateLimits.ts"
import * as Mail from "./mail/PostgresMail.ts"
import * as Transport from "./mail/transportLayer.ts"
import * as Privacy from "./privacy/layer.ts"
import { callsWithoutCredential, type ServerSettings } from "./ServerConfig.ts"
import { mailRoute } from "./settings/mailSettings.ts"

/** Who may call: people, their organizations and credentials, mail to them, limits, and what is kept of them. Needs the services. */
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
    Authenticator.layer(issuers),
    Places.layer,
    Privacy.layer(settings),
    sweep.layer
  ).pipe(
    Layer.provideMerge(Mail.layer()),
    Layer.provideMerge(Layer.mergeAll(RateLimits.layer, Transport.layer(settings)))
  )
}
