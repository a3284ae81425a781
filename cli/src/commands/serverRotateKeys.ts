import { resolve } from "node:path"
import { Effect } from "effect"
import { command, flags, noPositionals } from "../command.ts"
import type { ExitCode } from "../exitCodes.ts"
import { CommandFailed } from "../failure.ts"
import { text, toggle } from "../flags.ts"

const exits: Readonly<Record<"setting" | "database" | "key", ExitCode>> = { setting: 2, database: 3, key: 1 }

export default command({
  summary: "Wrap the keys of secrets with the present master key",
  offline: true,
  examples: [
    { line: "maxcloud server rotate-keys", does: "wrap the keys of secrets with the present master key" },
    { line: "maxcloud server rotate-keys --data-keys", does: "and make new ones for every organization" }
  ],
  notes: [
    "Run it with the environment of the server (MAXCLOUD_MASTER_KEY, MAXCLOUD_MASTER_KEYS_FORMER, DATABASE_URL …). Servers go on meanwhile.",
    "Afterwards the former master key is needed for backups that were made before, and for nothing else."
  ],
  flags: flags({
    dataDir: text("data-dir", "FOLDER", { description: "Where data is kept (MAXCLOUD_DATA_DIR) [.maxcloud]" }),
    dataKeys: toggle("data-keys", { description: "Make new data keys, too; the former ones still open" })
  }),
  positionals: noPositionals,
  run: ({ dataDir, dataKeys }, terminal) =>
    Effect.gen(function* () {
      const { rotateKeys } = yield* Effect.promise(() => import("@maxcloud/server"))
      const result = yield* Effect.promise(() =>
        rotateKeys({ renew: dataKeys, ...(dataDir === undefined ? {} : { dataDir: resolve(dataDir) }) })
      )
      if (!result.ok) {
        return yield* new CommandFailed({
          tag: "RotateKeysFailure",
          exit: exits[result.reason],
          message: result.message
        })
      }
      const { renewed, rewrapped } = result.value
      if (terminal.json) return terminal.printJson(result.value)
      terminal.print(`data keys wrapped with the present master key: ${rewrapped}`)
      if (dataKeys) terminal.print(`organizations with a new data key: ${renewed}`)
    })
})
