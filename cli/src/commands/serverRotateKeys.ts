import { resolve } from "node:path"
import { Effect } from "effect"
import { toggle } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import type { ExitCode } from "../errors/exitCodes.ts"
import { CommandFailed } from "../errors/failure.ts"
import { dataDirFlag } from "../operator/operator.ts"

const exits: Readonly<Record<"setting" | "database" | "key", ExitCode>> = { setting: 2, database: 3, key: 1 }

export default command({
  summary: "Rewrap data keys with the current master key",
  offline: true,
  examples: [
    { line: "maxcloud server rotate-keys", does: "Rewrap data keys with the current master key" },
    { line: "maxcloud server rotate-keys --data-keys", does: "Also create new data keys for every organization" }
  ],
  notes: [
    "Run it with the environment of the server (MAXCLOUD_MASTER_KEY, MAXCLOUD_MASTER_KEYS_FORMER, DATABASE_URL …). Servers keep running.",
    "Afterwards, the old master key is needed only for earlier backups."
  ],
  flags: flags({
    dataDir: dataDirFlag,
    dataKeys: toggle("data-keys", { description: "Also create new data keys; old ones still decrypt" })
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
      terminal.print(`data keys wrapped with the current master key: ${rewrapped}`)
      if (dataKeys) terminal.print(`organizations with a new data key: ${renewed}`)
    })
})
