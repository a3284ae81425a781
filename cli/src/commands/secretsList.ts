import { Effect } from "effect"
import { configAppFlag } from "../args/flags.ts"
import { connectToApp } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { age, table } from "../output/terminal.ts"

export default command({
  summary: "List secrets",
  examples: [
    { line: "maxcloud secrets list", does: "List names and versions, never values" },
    { line: "maxcloud secrets list --app shop --stage dev", does: "For another app and stage" }
  ],
  flags: flags({ app: configAppFlag, ...limitFlags }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, stage } = yield* connectToApp(input)
      const secrets = yield* firstOf(cloud.secrets.list.each(app, { stage }), input, terminal)
      if (terminal.json) return terminal.printJson({ secrets })
      if (secrets.length === 0) return terminal.say(`${app} has no secrets: \`maxcloud secrets set NAME\` sets one`)
      const now = Date.now()
      const rows = secrets.map((secret) => [secret.name, String(secret.version), age(secret.updatedAt, now)])
      const header = ["NAME", "VERSION", "UPDATED"].map((name) => terminal.paint("dim", name))
      for (const line of table([header, ...rows])) terminal.print(line)
    })
})
