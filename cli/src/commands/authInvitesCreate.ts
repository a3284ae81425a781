import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { needed, parseEmail, parseRole, parseSeconds } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { comes } from "../output/terminal.ts"

export default command({
  summary: "Invite somebody by mail",
  examples: [
    {
      line: "maxcloud auth invites create --email grace@example.com --role deployer",
      does: "Mail a link to join your organization"
    }
  ],
  notes: ["You can't invite people to a higher role than yours. The link is valid for a week."],
  flags: flags({
    email: text("email", "EMAIL", { description: "E-mail address to invite" }),
    role: text("role", "ROLE", { description: "owner, admin, deployer, viewer or billing" }),
    expires: text("expires", "DURATION", { description: "How long the link is valid, at most 30d [7d]" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const email = yield* parseEmail(yield* needed(input.email, "who is invited?", "--email EMAIL"))
      const role = yield* parseRole(yield* needed(input.role, "as what?", "--role deployer"))
      const expiresInSeconds = input.expires === undefined ? undefined : yield* parseSeconds("--expires", input.expires)
      const invite = yield* (yield* connect(input)).auth.invites.create({ email, role, expiresInSeconds })
      if (terminal.json) return terminal.printJson({ invite })
      terminal.say(
        `${invite.email} is invited as ${invite.role}: the link in the mail expires ${comes(invite.expiresAt, Date.now())}`
      )
    })
})
