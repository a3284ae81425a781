import { Effect } from "effect"
import { text, toggle } from "../args/flags.ts"
import { needed, parseEmail, parseOrganization } from "../auth/people.ts"
import { keepSession } from "../auth/signedIn.ts"
import { connectWith } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { readSecret } from "../input/prompt.ts"

export default command({
  summary: "Create an account and an organization",
  examples: [
    {
      line: "maxcloud auth register --email ada@example.com --org acme",
      does: "Create an account and an organization"
    },
    {
      line: "maxcloud auth register --email ada@example.com --org acme --bootstrap-token-stdin < token.txt",
      does: "Create the first account of a new server"
    }
  ],
  notes: [
    "The link in the mail creates the account. This command doesn't reveal whether the address already has one.",
    "With a bootstrap token, or on a server with MAXCLOUD_MAIL=log, you're signed in immediately.",
    "A new server prints a link with a bootstrap token when it starts: you need it if registration is by invite only."
  ],
  secretOnStdin: "a token",
  flags: flags({
    email: text("email", "EMAIL", { description: "Your e-mail address" }),
    org: text("org", "NAME", { description: "Name of the organization to create; you are its owner" }),
    bootstrapTokenStdin: toggle("bootstrap-token-stdin", {
      description: "Read the bootstrap token of a new server from standard input"
    })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const email = yield* parseEmail(yield* needed(input.email, "whose account is it?", "--email EMAIL"))
      const written = yield* needed(input.org, "what is the organization called?", "--org NAME")
      const organization = yield* parseOrganization(written)
      const bootstrapToken = input.bootstrapTokenStdin ? yield* readSecret("Bootstrap token") : undefined
      const cloud = yield* connectWith(input, "")
      const session = yield* cloud.auth.register({ email, organization, bootstrapToken }).pipe(
        Effect.catchTag("Forbidden", (error) =>
          Effect.fail(
            bootstrapToken !== undefined
              ? error
              : new CommandFailed({
                  tag: error._tag,
                  exit: 4,
                  message: error.detail,
                  fix: "accept an invite with `maxcloud auth invites accept`; the first account of a new server needs --bootstrap-token-stdin"
                })
          )
        )
      )
      if (!("token" in session)) {
        if (terminal.json) return terminal.printJson({ registration: session }, "line")
        terminal.say(
          `check the inbox of ${session.email}: the link in the mail creates the account and ${organization}`
        )
        terminal.say("then sign in with `maxcloud auth login`; if the address already has an account, the mail says so")
        return
      }
      yield* keepSession(input, session, terminal)
      if (terminal.json || session.user.verified) return
      terminal.say(`check the inbox of ${session.user.email}: the link in the mail confirms the address`)
      terminal.say("(a development server writes its mails to its log; `maxcloud auth resend` sends the mail again)")
    })
})
