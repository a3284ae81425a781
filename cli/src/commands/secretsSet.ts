import { Effect, Redacted } from "effect"
import { appOf, connect, parseSecretName, stageOf } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { UsageError } from "../failure.ts"
import { required, text } from "../flags.ts"
import { askHidden, readStdin } from "../prompt.ts"

const largest = 65_536

export default command({
  examples: [
    { line: "maxcloud secrets set DATABASE_URL", does: "asks for the value, without showing it" },
    { line: "maxcloud secrets set DATABASE_URL < url.txt", does: "the value from standard input" }
  ],
  notes: [
    "The value is never an argument: others on the machine could read it, and the shell would keep it.",
    "One line break at the end of standard input is left out. It takes effect at the next deploy."
  ],
  flags: flags({ app: text("app", "APP", { alias: "a", description: "The app [the config's]" }) }),
  positionals: positionals({ name: required("NAME", "The secret: letters, digits and _") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseSecretName(input.name)
      const app = yield* appOf(input)
      const stage = yield* stageOf(input)
      const value = process.stdin.isTTY
        ? yield* askHidden(`Value of ${name}: `)
        : (yield* readStdin).replace(/\r?\n$/, "")
      if (value === "")
        return yield* new UsageError({ message: `the value of ${name} is empty`, fix: "give it on standard input" })
      if (value.length > largest) {
        return yield* new UsageError({
          message: `the value of ${name} has ${value.length} characters`,
          fix: `${largest} at most`
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
