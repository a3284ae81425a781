import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"

export default command({
  summary: "Repair an audit log whose head doesn't match its entries",
  offline: true,
  examples: [
    {
      line: "maxcloud server audit repair acme",
      does: "Repair an organization's log: its head, and checkpoints that the server hasn't signed"
    },
    { line: "maxcloud server audit repair server", does: "Repair the server's own log" }
  ],
  notes: [
    operatorNote,
    "It needs the role that owns the tables (MAXCLOUD_MIGRATION_DATABASE_URL), as migrations do.",
    "Every entry and checkpoint is read first. Entries are never changed: if one is inconsistent, nothing is repaired (docs/audit.md)."
  ],
  flags: flags({ dataDir: dataDirFlag }),
  positionals: positionals({ log: required("LOG", 'Name or id of an organization, or "server"') }),
  run: ({ dataDir, log }, terminal) =>
    Effect.gen(function* () {
      const found = yield* operate((one) => one.repairAudit({ ...placeOf(dataDir), log }), log)
      if (terminal.json) return terminal.printJson(found)
      const { entries, former, removedCheckpoints: removed } = found
      if (removed.length > 0) {
        terminal.print(
          `Removed the checkpoints of entries ${removed.join(", ")}, which the server hadn't signed. The log has an entry about it.`
        )
      }
      if (former !== null) {
        terminal.print(`Set the head to entry ${entries} (it was ${former.sequence}). The log has an entry about it.`)
      } else if (removed.length === 0) {
        terminal.print(
          `Nothing to repair: the head matches the ${entries} entries, and the server has signed every checkpoint.`
        )
      }
    })
})
