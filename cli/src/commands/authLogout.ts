import { Effect } from "effect"
import { toggle } from "../args/flags.ts"
import { credentials, sayOverridden } from "../auth/signedIn.ts"
import { apiUrlOf, connectWith } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"

export default command({
  summary: "Sign out",
  examples: [
    { line: "maxcloud auth logout", does: "End the session on the server and delete it here" },
    { line: "maxcloud auth logout --local", does: "Delete it here, without contacting the server" }
  ],
  notes: ["An API key is only deleted here: `maxcloud auth api-keys delete` revokes it."],
  flags: flags({
    local: toggle("local", { description: "Only delete it here: the session stays valid until it expires" })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const apiUrl = yield* apiUrlOf(input)
      const { find, forget } = credentials()
      const kept = yield* find(apiUrl)
      if (kept?.type === "session" && !input.local) {
        const cloud = yield* connectWith(input, kept.token)
        yield* cloud.auth.signOut.pipe(
          // The session has already ended on the server.
          Effect.catchTag("Unauthenticated", () => Effect.void),
          Effect.catchTag(
            "NotReachable",
            (error) =>
              new CommandFailed({
                tag: error._tag,
                exit: 3,
                message: error.message,
                fix: "try again, or delete the session only here: `maxcloud auth logout --local`"
              })
          )
        )
      }
      yield* forget(apiUrl)
      if (terminal.json) return terminal.printJson({ apiUrl, forgotten: kept !== undefined })
      terminal.say(kept === undefined ? `no credential is stored for ${apiUrl}` : `signed out of ${apiUrl}`)
      sayOverridden(terminal)
    })
})
