import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { writeLines } from "../exporting.ts"
import { text } from "../flags.ts"

export default command({
  summary: "Export everything of you",
  examples: [
    { line: "maxcloud account export --out account.jsonl", does: "everything that is kept of you, as lines of JSON" },
    { line: "maxcloud account export | jq .", does: "on stdout" }
  ],
  notes: ["docs/privacy.md tells what each line holds. It is about you in every organization."],
  flags: flags({ out: text("out", "FILE", { alias: "o", description: "Write to this file [stdout]" }) }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.flatMap(connect(input), (cloud) => writeLines(cloud.account.export, input.out, terminal))
})
