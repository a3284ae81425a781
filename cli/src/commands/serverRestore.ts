import { resolve } from "node:path"
import { Effect } from "effect"
import { optional, toggle } from "../args/flags.ts"
import { command, flags, positionals } from "../command.ts"
import { CommandFailed } from "../errors/failure.ts"
import { backupExits } from "../operator/backupExits.ts"
import { dataDirFlag } from "../operator/operator.ts"

export default command({
  summary: "Restore a backup into an empty folder and database",
  offline: true,
  examples: [
    {
      line: "maxcloud server restore cloud.backup --data-dir /var/lib/maxcloud",
      does: "Restore into a folder that contains only the master key"
    },
    {
      line: "maxcloud server restore --set-aside",
      does: "Restore the newest automatic backup, in place of a damaged database"
    },
    {
      line: "DATABASE_URL=postgres://… maxcloud server restore cloud.backup",
      does: "Restore into your own empty database"
    }
  ],
  notes: [
    "Run it with the environment that the server will have, while no server runs. The master key must be in place: `secret.key` in the data folder, or where the settings point.",
    "The whole file is checked before anything is written. The database and the folder must be empty, except with --set-aside.",
    "With --set-aside, the data that the backup replaces is first moved into set-aside/ of the data folder, and moved back if the restore fails. Nothing is deleted.",
    "An automatic backup contains only the database: sources and logs of the data folder stay unchanged.",
    "Put the `erasures.jsonl` of the old data folder into the new one first: the restore then repeats all erasures since the backup."
  ],
  flags: flags({
    dataDir: dataDirFlag,
    setAside: toggle("set-aside", { description: "Move the current database into set-aside/ first, and keep it there" })
  }),
  positionals: positionals({
    file: optional("FILE", "The backup [the newest automatic one]")
  }),
  run: ({ dataDir, file, setAside }, terminal) =>
    Effect.gen(function* () {
      const { restoreServer } = yield* Effect.promise(() => import("@maxcloud/server"))
      const result = yield* Effect.promise(() =>
        restoreServer(
          file === undefined ? undefined : resolve(file),
          dataDir === undefined ? {} : { dataDir: resolve(dataDir) },
          { setAside }
        )
      )
      if (!result.ok) {
        return yield* new CommandFailed({
          tag: "RestoreFailure",
          exit: backupExits[result.reason],
          message: result.message
        })
      }
      const { createdAt, erasedAgain, files, setAside: former, tables } = result.value
      if (terminal.json) return terminal.printJson(result.value)
      terminal.print(`restored as of ${createdAt}: ${tables} tables, ${files} files`)
      if (erasedAgain > 0) terminal.print(`erased again: ${erasedAgain}`)
      if (former !== undefined) terminal.print(`the previous data is in ${former}`)
    })
})
