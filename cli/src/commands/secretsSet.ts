import { Effect, Redacted } from "effect"
import { configAppFlag, required, toggle } from "../args/flags.ts"
import { appOf, connect, parseSecretName, stageOf } from "../client.ts"
import { command, flags, positionals, secretAsArgument } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { readValue } from "../input/prompt.ts"

const largest = 65_536

export default command({
  summary: "Set a secret, its value from stdin or a prompt",
  examples: [
    { line: "maxcloud secrets set DATABASE_URL", does: "Ask for the value, without showing it" },
    { line: "maxcloud secrets set DATABASE_URL < url.txt", does: "Read the value from standard input" }
  ],
  notes: [
    "Don't pass the value as an argument: other users of the machine could read it, and your shell would save it in its history.",
    "One line break at the end of standard input is removed; every other byte is kept. The value must be UTF-8 without a byte order mark.",
    "It takes effect at the next deploy."
  ],
  secretOnStdin: "the value of a secret",
  flags: flags({
    app: configAppFlag,
    empty: toggle("empty", { description: "Allow an empty value" })
  }),
  positionals: positionals({ name: required("NAME", "The secret: letters, digits and _") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      if (input.name.includes("=")) return yield* secretAsArgument("the value of a secret")
      const name = yield* parseSecretName(input.name)
      const app = yield* appOf(input)
      const stage = yield* stageOf(input)
      const value = yield* readValue(`the value of ${name}`, `Value of ${name}: `)
      if (value === "" && !input.empty) {
        return yield* new UsageError({
          message: `the value of ${name} is empty`,
          fix: "pass it on standard input, or add --empty if you want an empty value"
        })
      }
      if (value.length > largest) {
        return yield* new UsageError({
          message: `the value of ${name} is too long: ${value.length} characters`,
          fix: `use at most ${largest} characters`
        })
      }
      const cloud = yield* connect(input)
      const secret = yield* cloud.secrets.set(app, name, Redacted.make(value), { stage })
      if (terminal.json) return terminal.printJson(secret)
      terminal.say(
        `${name} of ${app} (${stage ?? "production"}) is set, version ${secret.version}: the next deploy uses it`
      )
    })
})
