import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { findMember, parseRole } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Change a member's role",
  examples: [{ line: "maxcloud org members role grace@example.com admin", does: "Change what the member may do" }],
  notes: ["docs/reference/roles.md lists the rights of each role. An organization keeps at least one owner."],
  flags: noFlags,
  positionals: positionals({
    email: required("EMAIL", "The member"),
    role: required("ROLE", "owner, admin, deployer, viewer or billing")
  }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const role = yield* parseRole(input.role)
      const { organization } = yield* connect(input)
      const { userId } = yield* findMember(yield* organization.members(), input.email)
      const member = yield* organization.changeMember(userId, role)
      if (terminal.json) return terminal.printJson({ member })
      terminal.say(`${member.email} is ${member.role}`)
    })
})
