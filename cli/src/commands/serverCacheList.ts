import { Effect } from "effect"
import { optional } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { printCache } from "../operator/cacheTable.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"

export default command({
  summary: "Show what the server has built and installed",
  offline: true,
  examples: [
    { line: "maxcloud server cache list", does: "Show sizes, largest first" },
    { line: "maxcloud server cache list acme --json", does: "For one organization, for scripts" }
  ],
  notes: [
    operatorNote,
    "Builds share files of their dependencies, so the sizes add up to more than the disk usage. Source archives aren't listed: they are deleted with their deployments."
  ],
  flags: flags({ dataDir: dataDirFlag }),
  positionals: positionals({ organization: optional("ORGANIZATION", "Its name or id [all]") }),
  run: ({ dataDir, organization }, terminal) =>
    Effect.gen(function* () {
      const entries = yield* operate((one) => one.listCache({ ...placeOf(dataDir), organization }), organization)
      if (terminal.json) return terminal.printJson({ entries })
      if (entries.length === 0) return terminal.say("the cache is empty")
      printCache(entries, terminal)
    })
})
