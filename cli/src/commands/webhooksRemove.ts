import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { webhookId } from "../output/webhooks.ts"

export default command({
  summary: "Remove a webhook",
  examples: [{ line: "maxcloud webhooks remove whk_…", does: "Stop sending, and delete its history" }],
  flags: noFlags,
  positionals: positionals({ id: webhookId }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      yield* cloud.webhooks.delete(input.id)
      if (terminal.json) terminal.printJson({ webhook: input.id })
      else terminal.say(`${input.id} is removed`)
    })
})
