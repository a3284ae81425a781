import { Effect } from "effect"
import type { MailTransport } from "./Mail.ts"

/**
 * Prints each mail to the server's log instead of sending it: for development. Anybody who can read the log can follow
 * its links.
 */
export const logged: typeof MailTransport.Service = {
  name: "log",
  send: ({ subject, text, to }) =>
    Effect.logInfo(
      ["mail printed here instead of sent (development):", `To: ${to}`, `Subject: ${subject}`, "", text].join("\n")
    )
}
