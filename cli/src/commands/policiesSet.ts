import { Effect } from "effect"
import { required, text, toggle } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { printable } from "../output/format.ts"

export default command({
  summary: "Set a policy of the organization",
  examples: [
    {
      line: "maxcloud policies set max-memory 'service.memoryBytes <= 1073741824' --message 'Use 1Gi of memory or less.'",
      does: "Refuse services with more memory from now on"
    },
    {
      line: "maxcloud policies set labels 'has(service.labels.team)' --warn",
      does: "Warn about services without a team"
    }
  ],
  notes: [
    "The expression is CEL (cel.dev), and must be true. With `service` in it, it's evaluated for each service; docs/policies.md lists the variables. Quote it for your shell.",
    "It applies to plans and deployments from now on. Running apps that break it are listed, and keep running. A rollback only warns.",
    "You need the role owner. If an expression fails because an app lacks a field that it reads, the app breaks the policy."
  ],
  flags: flags({
    message: text("message", "TEXT", { alias: "m", description: "What is wrong and how to fix it [the expression]" }),
    warn: toggle("warn", { description: "Only warn" })
  }),
  positionals: positionals({
    name: required("NAME", 'Its name: lowercase letters, digits and "-"'),
    expression: required("EXPRESSION", "What must be true")
  }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { expression, message, name, warn } = input
      const cloud = yield* connect(input)
      const change = yield* cloud.policies.set(name, { expression, message, enforcement: warn ? "warn" : "refuse" })
      if (terminal.json) return terminal.printJson(change)
      const { breaches, tried } = change
      terminal.say(`${name} is set; ${tried - breaches.length} of ${tried} deployed stages follow it`)
      for (const { app, detail, stage } of breaches) {
        terminal.say(`${terminal.paintError("yellow", "breaks it:")} ${app} (${stage})  ${printable(detail)}`)
      }
    })
})
