import { Effect } from "effect"
import { configAppFlag, optional } from "../args/flags.ts"
import { connectToApp } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { table } from "../output/terminal.ts"

export default command({
  summary: "Show the outputs of an app",
  examples: [
    { line: "maxcloud output", does: "Show all outputs of the config's app" },
    { line: "maxcloud output url", does: "Print only the value of one" },
    { line: "maxcloud output --app shop --stage preview-42 --json", does: "For a named app and stage, as JSON" }
  ],
  notes: [
    "The config lists them: `outputs: { url: web.publicUrl }`. The values are those of the newest successful deployment.",
    "In a GitHub Actions job, `maxcloud deploy` also writes them to $GITHUB_OUTPUT."
  ],
  flags: flags({ app: configAppFlag }),
  positionals: positionals({ name: optional("NAME", "The output [all]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { app, cloud, stage } = yield* connectToApp(input)
      const outputs = yield* cloud.apps.outputs(app, { stage })
      const { name } = input
      if (name === undefined) {
        if (terminal.json) return terminal.printJson({ outputs })
        const rows = Object.entries(outputs)
        if (rows.length === 0) terminal.say(`${app} has no outputs: add \`outputs\` to its config and deploy`)
        for (const line of table(rows.map(([key, value]) => [terminal.paint("dim", key), value]))) terminal.print(line)
        return
      }
      const value = Object.hasOwn(outputs, name) ? outputs[name] : undefined
      if (value === undefined) {
        const names = Object.keys(outputs)
        return yield* new CommandFailed({
          tag: "NotFound",
          exit: 5,
          message: `${app} has no output "${name}"`,
          fix: names.length === 0 ? "add it to `outputs` in the config, and deploy" : `it has ${names.join(", ")}`
        })
      }
      if (terminal.json) terminal.printJson({ name, value })
      else terminal.print(value)
    })
})
