import type { CheckPart } from "@maxcloud/server"
import { Effect } from "effect"
import { command, flags, noPositionals } from "../command.ts"
import { ExitWith } from "../errors/failure.ts"
import { dataDirFlag, failed, operatorNote, placeOf } from "../operator/operator.ts"
import type { Terminal } from "../output/terminal.ts"

const names: Readonly<Record<CheckPart["name"], string>> = {
  key: "master key",
  control: "control file",
  database: "database",
  pages: "pages of the database",
  audit: "audit logs",
  sources: "source archives",
  logs: "log files",
  backups: "automatic backups"
}

const marks = { ok: "green", wrong: "red", skipped: "yellow" } as const

const tell = ({ checked, findings, name, note, state, unit, wrong }: CheckPart, terminal: Terminal) => {
  const count = state === "skipped" ? "" : `: ${checked} ${unit}${wrong > 0 ? `, ${wrong} wrong` : ""}`
  terminal.print(`${terminal.paint(marks[state], state)} ${names[name]}${count}`)
  if (note !== undefined) terminal.print(`  ${note}`)
  for (const { fix, message, where } of findings) {
    terminal.print(`  ${where}: ${message}`)
    terminal.print(`    ${terminal.paint("dim", "→")} ${fix}`)
  }
  if (wrong > findings.length) terminal.print(`  and ${wrong - findings.length} more`)
}

export default command({
  summary: "Verify all data that a server stores",
  offline: true,
  examples: [
    { line: "maxcloud server check", does: "Check everything that the server of .maxcloud stores, running or stopped" },
    { line: "maxcloud server check --data-dir /var/lib/maxcloud --json", does: "As JSON" }
  ],
  notes: [
    operatorNote,
    "It reads everything: pages of the embedded database against their checksums, source archives against their digests, audit logs, log files, and the seals of automatic backups.",
    "Exits with 1 if anything is wrong, and prints the fix. It changes nothing. If the embedded database isn't running, it starts for the check and stops afterwards."
  ],
  flags: flags({ dataDir: dataDirFlag }),
  positionals: noPositionals,
  run: ({ dataDir }, terminal) =>
    Effect.gen(function* () {
      const { checkServer } = yield* Effect.promise(() => import("@maxcloud/server"))
      const result = yield* Effect.promise(() =>
        checkServer(placeOf(dataDir), (part) => {
          if (!terminal.json) tell(part, terminal)
        })
      )
      if (!result.ok) return yield* failed(result)
      if (terminal.json) terminal.printJson(result.value)
      if (!result.value.ok) return yield* new ExitWith({ exit: 1 })
    })
})
