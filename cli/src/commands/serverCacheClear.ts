import { Effect } from "effect"
import { optional } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"
import { integerBytes } from "../output/format.ts"

export default command({
  summary: "Remove builds and dependencies that no service uses",
  offline: true,
  examples: [
    { line: "maxcloud server cache clear", does: "Remove builds that no service uses" },
    { line: "maxcloud server cache clear acme", does: "For one organization" }
  ],
  notes: [
    operatorNote,
    "Builds that services use stay. While an organization builds, all of its builds stay. Removed builds are rebuilt when needed."
  ],
  flags: flags({ dataDir: dataDirFlag }),
  positionals: positionals({ organization: optional("ORGANIZATION", "Its name or id [all]") }),
  run: ({ dataDir, organization }, terminal) =>
    Effect.gen(function* () {
      const cleared = yield* operate((one) => one.clearCache({ ...placeOf(dataDir), organization }), organization)
      if (terminal.json) return terminal.printJson(cleared)
      const bytes = cleared.removed.reduce((sum, each) => sum + each.bytes, 0)
      terminal.say(`removed ${cleared.removed.length} (${integerBytes(bytes)}), kept ${cleared.kept.length} in use`)
    })
})
