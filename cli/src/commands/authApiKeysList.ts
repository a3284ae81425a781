import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { age, printTable, until } from "../terminal.ts"

export default command({
  summary: "List API keys",
  examples: [{ line: "maxcloud auth api-keys list", does: "the keys, when last used, until when; never what opens" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const apiKeys = yield* (yield* connect(input)).auth.apiKeys.list
      if (terminal.json) return terminal.printJson({ apiKeys })
      if (apiKeys.length === 0) return terminal.say("no keys: `maxcloud auth api-keys create --name NAME` makes one")
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
          apiKey.createdBy ?? "-",
          apiKey.id
        ]),
        terminal
      )
    })
})
