import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { writeLines } from "../exporting.ts"
import { text } from "../flags.ts"

export default command({
  summary: "Export everything of the organization",
  examples: [
    { line: "maxcloud org export --out org.jsonl", does: "the whole organization as lines of JSON" },
    { line: "maxcloud org export | jq .", does: "on stdout" }
  ],
  notes: ["docs/privacy.md tells what each line holds. Values of secrets are not in it."],
  flags: flags({ out: text("out", "FILE", { alias: "o", description: "Write to this file [stdout]" }) }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.flatMap(connect(input), (cloud) => writeLines(cloud.organization.export, input.out, terminal))
})
