import { readFile, writeFile } from "node:fs/promises"
import { relative, resolve } from "node:path"
import { Effect } from "effect"
import { optional, toggle } from "../args/flags.ts"
import { loadSdk, loadTools } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed, ExitWith } from "../errors/failure.ts"
import { decodeText } from "../input/decodeText.ts"

const failed = (tag: string, message: string, fix: string) => new CommandFailed({ tag, exit: 2, message, fix })

export default command({
  summary: "Rewrite the config for the newest apiVersion",
  offline: true,
  examples: [
    { line: "maxcloud config migrate", does: "Rewrite the config of this folder, if its version is older" },
    { line: "maxcloud config migrate --check", does: "Write nothing; exit with 10 if something would change" }
  ],
  notes: [
    "Comments and everything that the new version doesn't change stay unchanged. Review the diff, then commit it.",
    "A service that is written in another file needs a separate run: maxcloud config migrate services/api.ts"
  ],
  flags: flags({
    check: toggle("check", { description: "Write nothing, and exit with 10 if something would change" })
  }),
  positionals: positionals({ named: optional("FILE", "The config, as --config") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { findConfig } = yield* loadSdk
      const { migrateText } = yield* loadTools
      const named = input.named ?? input.config
      const file = named === undefined ? yield* findConfig(process.cwd()) : resolve(named)
      const shown = relative(process.cwd(), file)
      const text = yield* Effect.tryPromise({
        try: () => readFile(file),
        catch: () => failed("FileNotRead", `Couldn't read ${shown}`, "check its path")
      }).pipe(Effect.flatMap((bytes) => decodeText(bytes, shown)))
      const migrated = migrateText(file, text)
      if (migrated._tag === "Unreadable") {
        return yield* failed("ConfigInvalid", `${shown} has a syntax error`, "run `maxcloud config check`")
      }
      if (migrated._tag === "Unknown") {
        const message = `${shown} has the apiVersion "${migrated.version}", but this version of maxcloud reads "${migrated.known}"`
        return yield* failed("ConfigInvalid", message, "update it: npm i -D @maxcloud/cli@latest @maxcloud/sdk@latest")
      }
      const { changes, from, to } = migrated
      if (changes.length > 0 && !input.check) {
        yield* Effect.tryPromise({
          try: () => writeFile(file, migrated.text),
          catch: () => failed("NotWritten", `Couldn't write ${shown}`, "check its permissions")
        })
      }
      if (terminal.json) terminal.printJson({ file, from, to, changes })
      else if (changes.length === 0) terminal.say(`${shown} already has the newest apiVersion, ${to}`)
      else for (const change of changes) terminal.say(`${shown}: ${change}`)
      if (changes.length > 0 && input.check) return yield* new ExitWith({ exit: 10 })
    })
})
