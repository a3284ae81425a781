import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Remove a policy of the organization",
  examples: [{ line: "maxcloud policies remove max-memory", does: "Remove a rule; apps needn't follow it any more" }],
  notes: ["You need the role owner."],
  flags: noFlags,
  positionals: positionals({ name: required("NAME", "Its name, from `maxcloud policies list`") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      yield* cloud.policies.remove(input.name)
      if (terminal.json) terminal.printJson({ policy: input.name })
      else terminal.say(`${input.name} is removed`)
    })
})
