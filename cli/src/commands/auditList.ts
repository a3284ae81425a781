import type { AuditEntry } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { UsageError } from "../failure.ts"
import { integer, text } from "../flags.ts"
import { printable } from "../format.ts"
import { printTable } from "../terminal.ts"

const outcomes = { succeeded: "green", failed: "yellow", refused: "red" } as const

const whoOf = ({ actor }: AuditEntry): string =>
  [actor.email ?? actor.id, actor.type === "user" ? null : `(${actor.type})`].filter((_) => _ !== null).join(" ")

export default command({
  examples: [
    { line: "maxcloud audit list", does: "who did what, newest first; refused attempts too" },
    { line: "maxcloud audit list --action apps.deploy -n 20", does: "the last 20 deploys" }
  ],
  notes: ["`maxcloud audit export` gives all of it, with what proves that nothing was changed."],
  flags: flags({
    action: text("action", "ACTION", { description: "Only this operation, such as apps.deploy" }),
    limit: integer("limit", "N", { alias: "n", description: "How many, 1 to 1000 [100]" }),
    before: integer("before", "SEQUENCE", { description: "Only entries before this one: the way to the next page" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { action, before, limit } = input
      if (limit !== undefined && (limit < 1 || limit > 1000)) {
        return yield* new UsageError({ message: `--limit ${limit}`, fix: "write --limit 1 to 1000" })
      }
      if (before !== undefined && before < 1) {
        return yield* new UsageError({ message: `--before ${before}`, fix: "write the number of an entry" })
      }
      const entries = yield* (yield* connect(input)).audit.list({ action, before, limit })
      if (terminal.json) return terminal.printJson({ entries })
      if (entries.length === 0) return terminal.say("no entries")
      printTable(
        ["#", "AT", "WHO", "FROM", "ACTION", "SUBJECT", "OUTCOME"],
        entries.map((_) => [
          String(_.sequence),
          _.at.slice(0, 19).replace("T", " "),
          printable(whoOf(_)),
          _.actor.address ?? "-",
          _.action,
          _.subject === null ? "-" : printable(_.subject),
          terminal.paint(outcomes[_.outcome], _.outcome === "succeeded" ? _.outcome : `${_.outcome} (${_.status})`)
        ]),
        terminal
      )
    })
})
