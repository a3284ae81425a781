import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { findMember } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Remove a member",
  examples: [
    {
      line: "maxcloud org members remove grace@example.com",
      does: "Remove the member, and revoke their sessions and keys in this organization"
    }
  ],
  flags: noFlags,
  positionals: positionals({ email: required("EMAIL", "The member") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { organization } = yield* connect(input)
      const { email, userId } = yield* findMember(yield* organization.members(), input.email)
      yield* organization.removeMember(userId)
      if (terminal.json) return terminal.printJson({ removed: email })
      terminal.say(`${email} is no longer a member`)
    })
})
