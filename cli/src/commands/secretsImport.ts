import { readFile } from "node:fs/promises"
import { Effect, Redacted } from "effect"
import { configAppFlag, optional } from "../args/flags.ts"
import { connectToApp, loadSchemas } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { decodeText } from "../input/decodeText.ts"
import { parseDotenv } from "../input/dotenv.ts"
import { readStdin } from "../input/prompt.ts"

export default command({
  summary: "Set secrets from a dotenv file",
  examples: [
    { line: "maxcloud secrets import .env.production", does: "Set every NAME=value of the file" },
    { line: "maxcloud secrets import - < .env", does: "Read from standard input" }
  ],
  notes: [
    "All of them are set, or none: a new version of each, for the next deploy. Values are never shown.",
    "The file has the dotenv format, as far as Docker Compose and dotenv for Node agree on it. Lines that they read differently are refused.",
    "Single quotes keep everything verbatim. Empty values are allowed."
  ],
  flags: flags({ app: configAppFlag }),
  positionals: positionals({ file: optional("FILE", "The file, or - for standard input [-]") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { file = "-" } = input
      if (file === "-" && process.stdin.isTTY) {
        return yield* new UsageError({ message: "no file given", fix: "run maxcloud secrets import FILE" })
      }
      const content =
        file === "-"
          ? yield* readStdin
          : yield* Effect.tryPromise({
              try: () => readFile(file),
              catch: () =>
                new CommandFailed({
                  tag: "FileNotRead",
                  exit: 2,
                  message: `Couldn't read ${file}`,
                  fix: "check its path"
                })
            }).pipe(Effect.flatMap((bytes) => decodeText(bytes, file)))
      const { SecretName } = yield* loadSchemas
      const parsed = yield* parseDotenv(content, file === "-" ? "standard input" : file)
      const secrets = parsed.map((each) => ({ name: SecretName.make(each.name), value: Redacted.make(each.value) }))
      const { app, cloud, stage } = yield* connectToApp(input)
      const set = yield* cloud.secrets.import(app, secrets, { stage })
      if (terminal.json) return terminal.printJson({ secrets: set })
      terminal.say(
        `set for ${app} (${stage ?? "production"}): ${set.map((each) => each.name).join(", ")}; the next deploy uses them`
      )
    })
})
