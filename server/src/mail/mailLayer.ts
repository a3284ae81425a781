import { Either, Layer } from "effect"
import { callsWithoutCredential, InvalidSetting, type ServerSettings } from "../ServerConfig.ts"
import { type MailRoute, mailRoute } from "../settings/mailSettings.ts"
import { logged } from "./logged.ts"
import { MailTransport } from "./Mail.ts"
import * as PostgresMail from "./PostgresMail.ts"
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

/** `Mail` and its transport, as the settings say. Needs the database and `DataKeys`. */
export const mailLayer = (settings: ServerSettings) =>
  PostgresMail.layer().pipe(
    Layer.provideMerge(
      // Reading the settings has refused those that name no way.
      Layer.sync(MailTransport, () =>
        transportOf(
          Either.getOrThrowWith(
            mailRoute(settings, callsWithoutCredential(settings)),
            (message) => new InvalidSetting({ message })
          )
        )
      )
    )
  )
