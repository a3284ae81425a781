import { Effect, Redacted } from "effect"
import { text, texts } from "../args/flags.ts"
import { needed, parseRole, parseScopes, parseSeconds } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { comes } from "../output/terminal.ts"

export default command({
  summary: "Create an API key",
  examples: [
    {
      line: 'maxcloud auth api-keys create --name "CI Key"',
      does: "Create a key with your own rights; print it to stdout"
    },
    {
      line: "maxcloud auth api-keys create --name CI --scope deploy:shop/production --expires 90d",
      does: "Create a key for one app and stage"
    },
    { line: "maxcloud auth api-keys create --name CI > key.txt", does: "Write only the key into a file" }
  ],
  notes: [
    "The key is printed once. Set it as MAXCLOUD_API_KEY.",
    "It never has more rights than its creator. Scopes: deploy:APP/STAGE and read:APP/STAGE, `*` for any stage."
  ],
  flags: flags({
    name: text("name", "NAME", { alias: "n", description: "A description, such as 'CI of shop'" }),
    role: text("role", "ROLE", { description: "owner, admin, deployer, viewer or billing [yours]" }),
    scope: texts("scope", "SCOPE", { description: "Narrow it to an app and stage, such as deploy:shop/production" }),
    expires: text("expires", "DURATION", { description: "Let it expire after this time, such as 90d [never]" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* needed(input.name, "what is the key for?", '--name "CI Key"')
      const role = input.role === undefined ? undefined : yield* parseRole(input.role)
      const scopes = yield* parseScopes(input.scope)
      const expiresInSeconds = input.expires === undefined ? undefined : yield* parseSeconds("--expires", input.expires)
      const cloud = yield* connect(input)
      const { apiKey, secret } = yield* cloud.auth.apiKeys.create({ name, role, scopes, expiresInSeconds })
      if (terminal.json) return terminal.printJson({ apiKey, secret: Redacted.value(secret) })
      terminal.print(Redacted.value(secret))
      terminal.say(`${apiKey.id} "${apiKey.name}": ${apiKey.role}, expires ${comes(apiKey.expiresAt, Date.now())}`)
      terminal.say("Copy this key now. You won't see it again. Set it as MAXCLOUD_API_KEY.")
    })
})
