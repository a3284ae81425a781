import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"

export default command({
  summary: "Mail the confirmation link again",
  examples: [{ line: "maxcloud auth resend", does: "Mail the confirmation link again" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      yield* (yield* connect(input)).auth.resendVerification
      if (terminal.json) return terminal.printJson({ sent: true })
      terminal.say("check your inbox: the link in the mail confirms your address")
    })
})
