import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { age, printTable } from "../output/terminal.ts"

export default command({
  summary: "List members",
  examples: [{ line: "maxcloud org members list", does: "List members and their roles" }],
  flags: flags(limitFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const members = yield* firstOf((yield* connect(input)).organization.members.each(), input, terminal)
      if (terminal.json) return terminal.printJson({ members })
      if (members.length === 0) return terminal.say("no members: `maxcloud auth invites create` invites somebody")
      const now = Date.now()
      printTable(
        ["EMAIL", "ROLE", "SINCE"],
        members.map((member) => [
          member.verified ? member.email : `${member.email} (not confirmed)`,
          member.role,
          age(member.joinedAt, now)
        ]),
        terminal
      )
    })
})
