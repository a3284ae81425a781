import { Effect, Redacted } from "effect"
import { text } from "../args/flags.ts"
import { parseSeconds } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { webhookId } from "../output/webhooks.ts"

export default command({
  summary: "Replace a webhook's signing secret",
  examples: [
    { line: "maxcloud webhooks rotate whk_…", does: "Print a new secret to stdout; both sign for a day" },
    { line: "maxcloud webhooks rotate whk_… --overlap 0s", does: "Replace a leaked secret: all former ones end now" }
  ],
  flags: flags({
    overlap: text("overlap", "DURATION", { description: "How long the old secret signs too, such as 2h [24h]" })
  }),
  positionals: positionals({ id: webhookId }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const overlapSeconds = input.overlap === undefined ? undefined : yield* parseSeconds("--overlap", input.overlap)
      const cloud = yield* connect(input)
      const { secret, webhook } = yield* cloud.webhooks.rotateSecret(input.id, { overlapSeconds })
      if (terminal.json) return terminal.printJson({ webhook, secret: Redacted.value(secret) })
      terminal.print(Redacted.value(secret))
      terminal.say("Copy this secret now. You won't see it again.")
    })
})
