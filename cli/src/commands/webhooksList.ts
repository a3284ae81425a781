import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { printWebhooks } from "../output/webhooks.ts"

export default command({
  summary: "List webhooks",
  examples: [{ line: "maxcloud webhooks list", does: "List the URLs, and failing ones" }],
  flags: flags(limitFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      const webhooks = yield* firstOf(cloud.webhooks.list.each(), input, terminal)
      if (terminal.json) terminal.printJson({ webhooks })
      else if (webhooks.length === 0) terminal.say("no webhooks: `maxcloud webhooks add URL` adds one")
      else printWebhooks(webhooks, terminal)
    })
})
