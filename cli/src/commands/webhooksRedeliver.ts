import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { webhookId } from "../output/webhooks.ts"

export default command({
  summary: "Send an event to a webhook again",
  examples: [{ line: "maxcloud webhooks redeliver whk_… dlv_…", does: "Send it again, with the same webhook-id" }],
  flags: noFlags,
  positionals: positionals({
    id: webhookId,
    delivery: required("DELIVERY", "Its id, from `maxcloud webhooks deliveries`")
  }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      const delivery = yield* cloud.webhooks.redeliver(input.id, input.delivery)
      if (terminal.json) terminal.printJson({ delivery })
      else terminal.say(`sending ${delivery.id} again`)
    })
})
