import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { parseOrganization } from "../auth/people.ts"
import { credentials, keepSession } from "../auth/signedIn.ts"
import { apiUrlOf, connectWith } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"

export default command({
  summary: "Switch to another organization",
  examples: [{ line: "maxcloud org switch acme", does: "Act for acme from now on" }],
  notes: ["A session belongs to one organization: this starts a new session and ends the current one."],
  flags: noFlags,
  positionals: positionals({ name: required("NAME", "An organization that you are a member of") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseOrganization(input.name)
      const apiUrl = yield* apiUrlOf(input)
      const kept = yield* credentials().find(apiUrl)
      if (kept?.type !== "session") {
        return yield* new CommandFailed({
          tag: "NotSignedIn",
          exit: 4,
          message: `nobody is signed in to ${apiUrl}, and keys and ID tokens belong to one organization`,
          fix: "run `maxcloud auth login`"
        })
      }
      const cloud = yield* connectWith(input, kept.token)
      yield* keepSession(input, yield* cloud.auth.switchOrganization(name), terminal)
    })
})
