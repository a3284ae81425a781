import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"

export default command({
  summary: "Cancel the deletion of the organization",
  examples: [{ line: "maxcloud org keep", does: "Cancel the deletion within its grace period" }],
  notes: ["Its services don't start automatically: deploy them again."],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      yield* (yield* connect(input)).organization.cancelDeletion
      if (terminal.json) return terminal.printJson({ kept: true })
      terminal.say("the organization won't be deleted: deploy its apps again")
    })
})
