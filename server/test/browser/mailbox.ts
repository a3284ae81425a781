import { Effect, Exit, Scope } from "effect"
import { type ReadMail, readMail } from "../mail/readMail.ts"
import { makeCertificate, smtpSink } from "../mail/testSmtp.ts"

/** A mail server with its received mails. */
export const openMailbox = async () => {
  const scope = Effect.runSync(Scope.make())
  const sink = await Effect.runPromise(Scope.extend(smtpSink(makeCertificate()), scope))
  /** Waits for the next mail to an address that matches `pattern`, and returns the first group. */
  const find = async (email: string, pattern: RegExp): Promise<{ readonly mail: ReadMail; readonly found: string }> => {
    for (let tries = 0; tries < 400; tries++) {
      for (const [index, { raw, to }] of sink.taken.entries()) {
        const mail = readMail(raw)
        const match = to.includes(email) ? pattern.exec(mail.text) : null
        if (match === null) continue
        sink.taken.splice(index, 1)
        return { mail, found: match[1] ?? match[0] }
      }
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    throw new Error(`no mail to ${email} has ${pattern}`)
  }
  return {
    url: `smtp://127.0.0.1:${sink.port}`,
    find,
    code: async (email: string) => (await find(email, /^[A-Z]{4}-[A-Z]{4}$/m)).found,
    link: async (email: string) => (await find(email, /^http\S+\?token=\S+$/m)).found,
    close: () => Effect.runPromise(Scope.close(scope, Exit.void))
  }
}
