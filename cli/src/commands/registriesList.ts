import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { age, table } from "../output/terminal.ts"

export default command({
  summary: "List registries with stored credentials",
  examples: [{ line: "maxcloud registries list", does: "List hosts and user names, never passwords" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      const registries = yield* cloud.registries.list()
      if (terminal.json) return terminal.printJson({ registries })
      if (registries.length === 0) {
        return terminal.say("no credentials: `maxcloud registries login HOST --username USER` stores some")
      }
      const now = Date.now()
      const header = ["HOST", "USER", "UPDATED"].map((name) => terminal.paint("dim", name))
      for (const line of table([
        header,
        ...registries.map((registry) => [registry.host, registry.username, age(registry.updatedAt, now)])
      ])) {
        terminal.print(line)
      }
    })
})
