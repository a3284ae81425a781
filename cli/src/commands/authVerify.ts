import { Effect } from "effect"
import { connectWith } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { readSecret } from "../input/prompt.ts"

export default command({
  summary: "Confirm your address with the mailed token",
  examples: [
    { line: "maxcloud auth verify", does: "Ask for the token in the mail, without showing it" },
    { line: "maxcloud auth verify < token.txt", does: "Read the token from standard input" }
  ],
  notes: ["The link in the mail does the same in a browser."],
  secretOnStdin: "a token",
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const token = yield* readSecret("Token")
      const user = yield* (yield* connectWith(input, "")).auth.verify(token)
      if (terminal.json) return terminal.printJson({ user })
      terminal.say(`${user.email} is confirmed`)
    })
})
