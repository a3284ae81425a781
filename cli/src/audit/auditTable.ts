import type { AuditEntry } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { integer, text } from "../args/flags.ts"
import { UsageError } from "../errors/failure.ts"
import { entryOf } from "../output/entryOf.ts"
import { printable } from "../output/format.ts"
import { printTable, type Terminal } from "../output/terminal.ts"

const outcomes = { succeeded: "green", failed: "yellow", refused: "red" } as const

const whoOf = ({ actor }: AuditEntry): string =>
  [actor.email ?? actor.id, actor.type === "user" ? null : `(${actor.type})`]
    .filter((value) => value !== null)
    .join(" ")

/** Selects entries of an audit log. */
export const pageFlags = {
  action: text("action", "ACTION", { description: "Only this operation, such as apps.deploy" }),
  limit: integer("limit", "N", { alias: "n", description: "How many, 1 to 1000 [100]" }),
  before: integer("before", "SEQUENCE", { description: "Only entries before this one: use it to get the next page" })
}

interface Page {
  readonly action: string | undefined
  readonly limit: number | undefined
  readonly before: number | undefined
}

export const pageOf = ({ action, before, limit }: Page): Effect.Effect<Page, UsageError> =>
  Effect.gen(function* () {
    if (limit !== undefined && (limit < 1 || limit > 1000)) {
      return yield* new UsageError({ message: `--limit ${limit} is out of range`, fix: "write --limit 1 to 1000" })
    }
    if (before !== undefined && before < 1) {
      return yield* new UsageError({
        message: `--before ${before} isn't the number of an entry`,
        fix: "write --before 120, for example"
      })
    }
    return { action, before, limit }
  })

export const printEntries = (entries: ReadonlyArray<AuditEntry>, terminal: Terminal): void => {
  if (terminal.json) terminal.printJson({ entries })
  else if (entries.length === 0) terminal.say("no entries")
  else printEntryRows(entries, terminal)
}

const printEntryRows = (entries: ReadonlyArray<AuditEntry>, terminal: Terminal) =>
  printTable(
    ["#", "AT", "WHO", "FROM", "ACTION", "SUBJECT", "OUTCOME"],
    entries.map((entry) => [
      String(entry.sequence),
      entry.at.slice(0, 19).replace("T", " "),
      printable(whoOf(entry)),
      entry.actor.address ?? "-",
      entry.action,
      entry.subject === null ? "-" : printable(entry.subject),
      terminal.paint(
        entryOf<"green" | "yellow" | "red" | "dim">(outcomes, entry.outcome, "dim"),
        entry.outcome === "succeeded" ? entry.outcome : `${entry.outcome} (${entry.status})`
      )
    ]),
    terminal
  )
