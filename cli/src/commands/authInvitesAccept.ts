import { Effect } from "effect"
import { keepSession } from "../auth/signedIn.ts"
import { connectWith } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { readSecret } from "../input/prompt.ts"

export default command({
  summary: "Accept an invite",
  examples: [
    { line: "maxcloud auth invites accept", does: "Ask for the token in the mail, without showing it" },
    { line: "maxcloud auth invites accept < token.txt", does: "Read the token from standard input" }
  ],
  notes: [
    "Creates your account if you don't have one, and signs you in. The link in the mail does the same in a browser."
  ],
  secretOnStdin: "a token",
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const token = yield* readSecret("Token")
      const session = yield* (yield* connectWith(input, "")).auth.acceptInvite(token)
      yield* keepSession(input, session, terminal)
    })
})
