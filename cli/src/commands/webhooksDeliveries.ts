import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../failure.ts"
import { integer } from "../flags.ts"
import { printDeliveries, webhookId } from "../webhooks.ts"

export default command({
  summary: "List what was sent to a webhook",
  examples: [{ line: "maxcloud webhooks deliveries whk_…", does: "the newest deliveries, and why some failed" }],
  flags: flags({ limit: integer("limit", "N", { alias: "n", description: "How many, 1 to 1000 [50]" }) }),
  positionals: positionals({ id: webhookId }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { id, limit } = input
      if (limit !== undefined && (limit < 1 || limit > 1000)) {
        return yield* new UsageError({ message: `--limit ${limit} is out of range`, fix: "write --limit 1 to 1000" })
      }
      const cloud = yield* connect(input)
      const deliveries = yield* cloud.webhooks.deliveries(id, { limit })
      if (terminal.json) terminal.printJson({ deliveries })
      else if (deliveries.length === 0)
        terminal.say(`nothing was sent yet: \`maxcloud webhooks test ${id}\` sends a test`)
      else printDeliveries(deliveries, terminal)
    })
})
