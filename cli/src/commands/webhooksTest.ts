import { Effect, Schedule } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { webhookId } from "../output/webhooks.ts"

export default command({
  summary: "Send a test event to a webhook",
  examples: [{ line: "maxcloud webhooks test whk_…", does: "Send webhook.test, and show the receiver's response" }],
  flags: noFlags,
  positionals: positionals({ id: webhookId }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { id } = input
      const cloud = yield* connect(input)
      const sent = yield* cloud.webhooks.test(id)
      const find = Effect.map(
        cloud.webhooks.deliveries.page({ limit: 50 }, id),
        ({ items }) => items.find((delivery) => delivery.id === sent.id) ?? sent
      )
      yield* find.pipe(
        Effect.repeat({
          schedule: Schedule.spaced("300 millis").pipe(Schedule.intersect(Schedule.recurs(70))),
          until: ({ lastError, state }) => state !== "pending" || lastError !== null
        })
      )
      const delivery = yield* find
      if (terminal.json) terminal.printJson({ delivery })
      if (delivery.state === "delivered") {
        if (!terminal.json) terminal.say(`delivered: the receiver answered with ${delivery.lastStatus}`)
        return
      }
      return yield* new CommandFailed({
        tag: "WebhookFailed",
        exit: 1,
        message: delivery.lastError ?? "no answer yet",
        fix: `the server retries it: \`maxcloud webhooks deliveries ${id}\` shows the attempts`
      })
    })
})
