import { Either, Layer } from "effect"
import { type MailRoute, mailRoute } from "../../base/settings/mailSettings.ts"
import { callsWithoutCredential, InvalidSetting, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import { logged } from "./logged.ts"
import { MailTransport } from "./Mail.ts"
import { makeResend } from "./resend.ts"
import { makeSmtp } from "./smtp.ts"

const transportOf = (route: MailRoute): typeof MailTransport.Service => {
  switch (route.type) {
    case "resend":
      return makeResend(route)
    case "smtp":
      return makeSmtp(route)
    case "log":
      return logged
  }
}

/** The mail transport in the settings. */
export const layer = (settings: ServerSettings): Layer.Layer<MailTransport> =>
  // Reading the settings has already refused those without a transport.
  Layer.sync(MailTransport, () =>
    transportOf(
      Either.getOrThrowWith(
        mailRoute(settings, callsWithoutCredential(settings)),
        (message) => new InvalidSetting({ message })
      )
    )
  )
