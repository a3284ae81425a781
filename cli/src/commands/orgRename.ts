import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Change what people call the organization",
  examples: [
    { line: 'maxcloud org rename "Acme GmbH"', does: "Set the name that people see" },
    { line: 'maxcloud org rename "Acme GmbH" --org acme', does: "Rename another of your organizations" }
  ],
  notes: ["URLs, namespaces, --org and the audience of CI tokens keep the short name, which never changes."],
  flags: noFlags,
  positionals: positionals({ name: required("NAME", "What people call it, up to 100 characters") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const organization = yield* (yield* connect(input)).organization.change({ displayName: input.name })
      if (terminal.json) return terminal.printJson({ organization })
      terminal.say(`${organization.name} is now called "${organization.displayName}"`)
    })
})
