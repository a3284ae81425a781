import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { findOne } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Revoke an invite",
  examples: [
    {
      line: "maxcloud auth invites revoke grace@example.com",
      does: "Revoke the invite; its link stops working immediately"
    }
  ],
  flags: noFlags,
  positionals: positionals({ invite: required("INVITE", "Its id, or the e-mail address") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { invites } = (yield* connect(input)).auth
      const open = (yield* invites.list()).filter((each) => each.state === "open" || each.id === input.invite)
      const { email, id } = yield* findOne(
        open,
        input.invite,
        (one) => [one.email],
        "open invite",
        "maxcloud auth invites list"
      )
      yield* invites.revoke(id)
      if (terminal.json) return terminal.printJson({ revoked: id })
      terminal.say(`the invite for ${email} is revoked`)
    })
})
