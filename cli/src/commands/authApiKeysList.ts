import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { authorText } from "../output/authorText.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { age, printTable, until } from "../output/terminal.ts"

export default command({
  summary: "List API keys",
  examples: [
    { line: "maxcloud auth api-keys list", does: "List keys with their last use and expiry, never the keys themselves" }
  ],
  flags: flags(limitFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const apiKeys = yield* firstOf((yield* connect(input)).auth.apiKeys.list.each(), input, terminal)
      if (terminal.json) return terminal.printJson({ apiKeys })
      if (apiKeys.length === 0) return terminal.say("no keys: `maxcloud auth api-keys create --name NAME` creates one")
      const now = Date.now()
      printTable(
        ["NAME", "KEY", "ROLE", "SCOPES", "LAST USED", "EXPIRES", "MADE BY", "ID"],
        apiKeys.map((apiKey) => [
          apiKey.replacedBy === null ? apiKey.name : `${apiKey.name} (replaced)`,
          `${apiKey.prefix}…`,
          apiKey.role,
          apiKey.scopes.length === 0 ? "all" : apiKey.scopes.join(","),
          apiKey.lastUsedAt === null ? "never" : age(apiKey.lastUsedAt, now),
          until(apiKey.expiresAt, now),
          authorText(apiKey.createdBy),
          apiKey.id
        ]),
        terminal
      )
    })
})
