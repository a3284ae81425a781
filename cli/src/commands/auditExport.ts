import { Effect } from "effect"
import { outFlag } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { writeLines } from "../output/exporting.ts"

export default command({
  summary: "Export the audit log",
  examples: [
    {
      line: "maxcloud audit export --out audit.jsonl",
      does: "Export the complete audit log with its signed checkpoints, as JSON lines"
    },
    { line: "maxcloud audit export | jq .", does: "Write to stdout" }
  ],
  notes: ["`maxcloud audit verify FILE` proves offline that no entry was changed, removed or moved."],
  flags: flags({ out: outFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.flatMap(connect(input), (cloud) => writeLines(cloud.audit.export, input.out, terminal))
})
