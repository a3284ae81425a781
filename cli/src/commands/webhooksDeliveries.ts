import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { printDeliveries, webhookId } from "../output/webhooks.ts"

export default command({
  summary: "List what was sent to a webhook",
  examples: [{ line: "maxcloud webhooks deliveries whk_…", does: "List the newest deliveries, and why some failed" }],
  flags: flags(limitFlags),
  positionals: positionals({ id: webhookId }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { id } = input
      const cloud = yield* connect(input)
      const deliveries = yield* firstOf(cloud.webhooks.deliveries.each(id), input, terminal)
      if (terminal.json) terminal.printJson({ deliveries })
      else if (deliveries.length === 0)
        terminal.say(`nothing was sent yet: \`maxcloud webhooks test ${id}\` sends a test`)
      else printDeliveries(deliveries, terminal)
    })
})
