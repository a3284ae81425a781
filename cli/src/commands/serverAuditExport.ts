import { outFlag } from "../args/flags.ts"
import { serverAuditLines } from "../audit/serverAuditLines.ts"
import { command, flags, noPositionals } from "../command.ts"
import { dataDirFlag, operatorNote } from "../operator/operator.ts"
import { writeLines } from "../output/exporting.ts"

export default command({
  summary: "Export the server's own audit log",
  offline: true,
  examples: [
    {
      line: "maxcloud server audit export --out server.jsonl",
      does: "Export the server's own audit log with its signed checkpoints, as JSON lines"
    },
    { line: "maxcloud server audit export | jq .", does: "Write to stdout" }
  ],
  notes: [
    operatorNote,
    "This only reads the database. `maxcloud audit verify FILE` checks the file offline, like an organization's export."
  ],
  flags: flags({
    out: outFlag,
    dataDir: dataDirFlag
  }),
  positionals: noPositionals,
  run: ({ dataDir, out }, terminal) => writeLines(serverAuditLines(dataDir), out, terminal)
})
