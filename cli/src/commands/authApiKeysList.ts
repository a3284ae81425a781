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
        apiKeys.map((_) => [
          _.replacedBy === null ? _.name : `${_.name} (replaced)`,
          `${_.prefix}…`,
          _.role,
          _.scopes.length === 0 ? "all" : _.scopes.join(","),
          _.lastUsedAt === null ? "never" : age(_.lastUsedAt, now),
          until(_.expiresAt, now),
          _.createdBy ?? "-",
          _.id
        ]),
        terminal
      )
    })
})
