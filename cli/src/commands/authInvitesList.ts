import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { authorText } from "../output/authorText.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { age, printTable, until } from "../output/terminal.ts"

export default command({
  summary: "List invites",
  examples: [{ line: "maxcloud auth invites list", does: "Show who was invited, and who joined" }],
  flags: flags(limitFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const invites = yield* firstOf((yield* connect(input)).auth.invites.list.each(), input, terminal)
      if (terminal.json) return terminal.printJson({ invites })
      if (invites.length === 0) return terminal.say("no invites: `maxcloud auth invites create` sends one")
      const now = Date.now()
      printTable(
        ["EMAIL", "ROLE", "STATE", "SENT", "BY", "EXPIRES", "ID"],
        invites.map((invite) => [
          invite.email,
          invite.role,
          invite.state,
          age(invite.createdAt, now),
          authorText(invite.createdBy),
          invite.state === "open" ? until(invite.expiresAt, now) : "-",
          invite.id
        ]),
        terminal
      )
    })
})
