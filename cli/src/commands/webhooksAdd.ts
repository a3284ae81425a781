import { Effect, Redacted } from "effect"
import { required, text, texts } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"

export default command({
  summary: "Send events to a URL",
  examples: [
    {
      line: "maxcloud webhooks add https://example.com/hooks",
      does: "Send every event; print the signing secret to stdout"
    },
    {
      line: "maxcloud webhooks add https://example.com/hooks --type deployment.failed --type 'quota.*'",
      does: "Send only these types"
    }
  ],
  notes: [
    "The secret (whsec_…) is shown once, on stdout. The receiver checks signatures with it: docs/webhooks.md has the code.",
    "The URL must be https, on the public internet. A server in local mode also sends to http on loopback."
  ],
  flags: flags({
    type: texts("type", "TYPE", { description: "A type of event, or a prefix such as 'deployment.*' [all]" }),
    description: text("description", "TEXT", { alias: "d", description: "A description, such as 'deploy alerts'" })
  }),
  positionals: positionals({ url: required("URL", "Where to send events") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { description, type, url } = input
      const cloud = yield* connect(input)
      const types = type.length === 0 ? undefined : type
      const { secret, webhook } = yield* cloud.webhooks.create({ url, types, description })
      if (terminal.json) return terminal.printJson({ webhook, secret: Redacted.value(secret) })
      terminal.print(Redacted.value(secret))
      terminal.say(
        `${webhook.id} gets ${webhook.types.join(", ")}; \`maxcloud webhooks test ${webhook.id}\` sends a test`
      )
      terminal.say("Copy this secret now. You won't see it again.")
    })
})
