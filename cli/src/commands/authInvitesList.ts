import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { age, printTable, until } from "../terminal.ts"

export default command({
  summary: "List invites",
  examples: [{ line: "maxcloud auth invites list", does: "who was invited, and who came" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const invites = yield* (yield* connect(input)).auth.invites.list
      if (terminal.json) return terminal.printJson({ invites })
      if (invites.length === 0) return terminal.say("no invites: `maxcloud auth invites create` sends one")
      const now = Date.now()
      printTable(
        ["EMAIL", "ROLE", "STATE", "SENT", "EXPIRES", "ID"],
        invites.map((invite) => [
          invite.email,
          invite.role,
          invite.state,
          age(invite.createdAt, now),
          invite.state === "open" ? until(invite.expiresAt, now) : "-",
          invite.id
        ]),
        terminal
      )
    })
})
