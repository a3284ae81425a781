import { Effect } from "effect"
import { outFlag } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { writeLines } from "../output/exporting.ts"

export default command({
  summary: "Export all data about you",
  examples: [
    { line: "maxcloud account export --out account.jsonl", does: "Export everything stored about you, as JSON lines" },
    { line: "maxcloud account export | jq .", does: "Write to stdout" }
  ],
  notes: ["docs/privacy.md describes each line. The export covers all organizations."],
  flags: flags({ out: outFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.flatMap(connect(input), (cloud) => writeLines(cloud.account.export, input.out, terminal))
})
