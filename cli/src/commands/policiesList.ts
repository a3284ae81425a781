import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { printable } from "../output/format.ts"
import { firstOf, limitFlags } from "../output/limit.ts"
import { printTable } from "../output/terminal.ts"

export default command({
  summary: "List the policies of the organization",
  examples: [{ line: "maxcloud policies list", does: "List the rules that every app must follow" }],
  flags: flags(limitFlags),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const cloud = yield* connect(input)
      const policies = yield* firstOf(cloud.policies.list.each(), input, terminal)
      if (terminal.json) return terminal.printJson({ policies })
      if (policies.length === 0) return terminal.say("no policies: `maxcloud policies set NAME EXPRESSION` adds one")
      printTable(
        ["NAME", "", "EXPRESSION", "MESSAGE"],
        policies.map(({ enforcement, expression, message, name }) => [
          name,
          terminal.paint(enforcement === "warn" ? "yellow" : "red", enforcement),
          printable(expression),
          printable(message ?? "")
        ]),
        terminal
      )
    })
})
