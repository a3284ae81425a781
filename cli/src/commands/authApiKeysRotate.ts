import { Effect, Redacted } from "effect"
import { required, text } from "../args/flags.ts"
import { findOne, parseSeconds } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { comes } from "../output/terminal.ts"

export default command({
  summary: "Replace an API key, with overlap",
  examples: [
    { line: "maxcloud auth api-keys rotate CI > key.txt", does: "Create a new key; the old one works for another day" },
    { line: "maxcloud auth api-keys rotate CI --overlap 0s", does: "Revoke the old one immediately" }
  ],
  notes: ["The new key has the same rights. It is shown once, on stdout."],
  flags: flags({
    overlap: text("overlap", "DURATION", { description: "How long the old key keeps working, at most 30d [24h]" })
  }),
  positionals: positionals({ key: required("KEY", "Its id, name or prefix") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const overlapSeconds = input.overlap === undefined ? undefined : yield* parseSeconds("--overlap", input.overlap)
      const { apiKeys } = (yield* connect(input)).auth
      const all = yield* apiKeys.list()
      // The new key gets the name of the old one, which stays valid for a while.
      const current = all.filter((each) => each.replacedBy === null || each.id === input.key)
      const key = yield* findOne(
        current,
        input.key,
        (one) => [one.name, one.prefix],
        "API key",
        "maxcloud auth api-keys list"
      )
      const { apiKey, secret } = yield* apiKeys.rotate(key.id, { overlapSeconds })
      if (terminal.json) return terminal.printJson({ apiKey, secret: Redacted.value(secret) })
      terminal.print(Redacted.value(secret))
      terminal.say(
        `${apiKey.id} "${apiKey.name}" replaces ${key.id}; it expires ${comes(apiKey.expiresAt, Date.now())}`
      )
      terminal.say("Copy this key now. You won't see it again.")
    })
})
