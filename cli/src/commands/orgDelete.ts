import { Effect } from "effect"
import { integer, yesFlag } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { confirmByName } from "../input/prompt.ts"
import { comes } from "../output/terminal.ts"

export default command({
  summary: "Delete the organization, after a grace period",
  examples: [
    { line: "maxcloud org delete", does: "Ask first; erase after the server's grace period" },
    { line: "maxcloud org delete --grace-days 0 --yes", does: "Erase immediately, without confirmation" }
  ],
  notes: [
    "Its services stop immediately. After the grace period, its data is erased from every store. `maxcloud org keep` cancels that.",
    "`maxcloud org certificate ID` shows the certificate of erasure, store by store, without signing in."
  ],
  flags: flags({
    graceDays: integer("grace-days", "N", { description: "Days until everything is erased, 0 to 90 [the server's]" }),
    yes: yesFlag
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { graceDays } = input
      if (graceDays !== undefined && (graceDays < 0 || graceDays > 90)) {
        return yield* new UsageError({
          message: `--grace-days ${graceDays} is out of range`,
          fix: "write --grace-days 0 to 90"
        })
      }
      const { organization } = yield* connect(input)
      const { name } = yield* organization.get
      yield* confirmByName(input, name, `the organization ${name} and everything in it will be erased`, terminal)
      const deletion = yield* organization.delete(name, { graceDays })
      if (terminal.json) return terminal.printJson({ deletion })
      const { certificateId, deleteAfter } = deletion
      terminal.print(certificateId)
      terminal.say(`${name} is erased ${comes(deleteAfter, Date.now())} (${deleteAfter})`)
      terminal.say(
        `keep the id of its certificate: \`maxcloud org certificate ${certificateId}\` will list what was erased`
      )
    })
})
