import { Effect } from "effect"
import { outFlag } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { writeLines } from "../output/exporting.ts"

export default command({
  summary: "Export all data of the organization",
  examples: [
    { line: "maxcloud org export --out org.jsonl", does: "Export the complete organization as JSON lines" },
    { line: "maxcloud org export | jq .", does: "Write to stdout" }
  ],
  notes: ["docs/privacy.md describes each line. It doesn't contain values of secrets."],
  flags: flags({ out: outFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.flatMap(connect(input), (cloud) => writeLines(cloud.organization.export, input.out, terminal))
})
