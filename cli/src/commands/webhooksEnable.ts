import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { webhookId } from "../output/webhooks.ts"

export default command({
  summary: "Enable a webhook that was disabled",
  examples: [{ line: "maxcloud webhooks enable whk_…", does: "Send the queued deliveries and all new events" }],
  flags: noFlags,
  positionals: positionals({ id: webhookId }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      const webhook = yield* cloud.webhooks.change(input.id, { state: "enabled" })
      if (terminal.json) terminal.printJson({ webhook })
      else terminal.say(`${webhook.id} is enabled`)
    })
})
