import { Effect } from "effect"
import { yesFlag } from "../args/flags.ts"
import { credentials } from "../auth/signedIn.ts"
import { apiUrlOf, connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { confirmByName } from "../input/prompt.ts"

export default command({
  summary: "Erase your account",
  examples: [
    { line: "maxcloud account delete", does: "Ask, then erase your data from every store" },
    { line: "maxcloud account delete --yes", does: "Don't ask" }
  ],
  notes: ["If you are an organization's only owner, delete it or add another owner first."],
  flags: flags({ yes: yesFlag }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { account, auth } = yield* connect(input)
      const { credential, user } = yield* auth.status
      if (user === null || credential.type !== "session") {
        return yield* new CommandFailed({
          tag: "NotSignedIn",
          exit: 4,
          message: "you need to be signed in as a person to delete your account",
          fix: "run `maxcloud auth login`"
        })
      }
      yield* confirmByName(input, user.email, `the account ${user.email} will be erased immediately`, terminal)
      const certificate = yield* account.delete
      yield* credentials().forget(yield* apiUrlOf(input))
      if (terminal.json) return terminal.printJson({ certificate })
      terminal.print(certificate.id)
      terminal.say(`the account is erased: \`maxcloud org certificate ${certificate.id}\` lists what was deleted`)
    })
})
