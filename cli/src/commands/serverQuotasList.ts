import { Effect } from "effect"
import { optional } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"
import { printQuotas } from "../operator/quotaTable.ts"

export default command({
  summary: "Show quotas and usage of organizations",
  offline: true,
  examples: [
    { line: "maxcloud server quotas list", does: "Show usage and quotas of every organization" },
    { line: "maxcloud server quotas list acme --json", does: "For one organization, for scripts" }
  ],
  notes: [
    operatorNote,
    "* marks what was set for the organization; the rest is the server's default (MAXCLOUD_QUOTA_…). Members see theirs with `maxcloud org show`."
  ],
  flags: flags({ dataDir: dataDirFlag }),
  positionals: positionals({ organization: optional("ORGANIZATION", "Its name or id [all]") }),
  run: ({ dataDir, organization }, terminal) =>
    Effect.gen(function* () {
      const named = organization === undefined ? {} : { organization }
      const organizations = yield* operate((one) => one.listQuotas({ ...placeOf(dataDir), ...named }), organization)
      if (terminal.json) return terminal.printJson({ organizations })
      if (organizations.length === 0) return terminal.say("no organizations")
      printQuotas(organizations, terminal)
    })
})
