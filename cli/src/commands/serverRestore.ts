import { resolve } from "node:path"
import { Effect } from "effect"
import { backupExits } from "../backupExits.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed } from "../failure.ts"
import { required, text } from "../flags.ts"

export default command({
  examples: [
    {
      line: "maxcloud server restore cloud.backup --data-dir /var/lib/maxcloud",
      does: "into a folder that holds the master key only"
    },
    { line: "DATABASE_URL=postgres://… maxcloud server restore cloud.backup", does: "into an empty database of yours" }
  ],
  notes: [
    "Run it with the environment that the server will have, while no server runs. The master key must be there: `secret.key` in the data folder, or as the settings name it.",
    "The file is read to its end before anything is written. It goes into an empty database and folder only.",
    "Put the `erasures.jsonl` of the former data folder into the new one first: what had been erased since the backup is then erased again."
  ],
  flags: flags({
    dataDir: text("data-dir", "FOLDER", { description: "Where data is to be kept (MAXCLOUD_DATA_DIR) [.maxcloud]" })
  }),
  positionals: positionals({ file: required("FILE", "The backup") }),
  run: ({ dataDir, file }, terminal) =>
    Effect.gen(function* () {
      const { restoreServer } = yield* Effect.promise(() => import("@maxcloud/server"))
      const result = yield* Effect.promise(() =>
        restoreServer(resolve(file), dataDir === undefined ? {} : { dataDir: resolve(dataDir) })
      )
      if (!result.ok) {
        return yield* new CommandFailed({
          tag: "RestoreFailure",
          exit: backupExits[result.reason],
          message: result.message
        })
      }
      const { createdAt, erasedAgain, files, tables } = result.value
      if (terminal.json) return terminal.printJson(result.value)
      terminal.print(`restored as of ${createdAt}: ${tables} tables, ${files} files`)
      if (erasedAgain > 0) terminal.print(`erased again: ${erasedAgain}`)
    })
})
