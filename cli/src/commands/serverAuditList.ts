import { Effect } from "effect"
import { pageFlags, pageOf, printEntries } from "../audit/auditTable.ts"
import { command, flags, noPositionals } from "../command.ts"
import { dataDirFlag, operate, operatorNote, placeOf } from "../operator/operator.ts"

export default command({
  summary: "Show the server's own audit log",
  offline: true,
  examples: [
    { line: "maxcloud server audit list", does: "Show events outside any organization, such as failed sign-ins" },
    { line: "maxcloud server audit list --action signIn.register -n 20", does: "Show the last 20 of one operation" }
  ],
  notes: [operatorNote, "This only reads the database. Organizations have their own logs: `maxcloud audit list`."],
  flags: flags({ ...pageFlags, dataDir: dataDirFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const page = yield* pageOf(input)
      printEntries(yield* operate((one) => one.listAudit({ ...placeOf(input.dataDir), ...page })), terminal)
    })
})
