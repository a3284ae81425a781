import { resolve } from "node:path"
import { Effect } from "effect"
import { text } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { backupExits } from "../operator/backupExits.ts"
import { dataDirFlag } from "../operator/operator.ts"

export default command({
  summary: "Back up the server to one encrypted file",
  offline: true,
  examples: [
    { line: "maxcloud server backup --out cloud.backup", does: "Back up the server of .maxcloud, running or stopped" },
    {
      line: "DATABASE_URL=postgres://… maxcloud server backup --out cloud.backup",
      does: "Back up a server on your own Postgres"
    }
  ],
  notes: [
    "Run it with the environment of the server. Servers keep running; the backup is a consistent snapshot.",
    "The file is sealed with the server's master key and doesn't contain it: keep that key elsewhere, or the backup can't be decrypted.",
    "The file contains the database, archives of sources and log lines of the data folder, but neither logs in a bucket nor images of the registry."
  ],
  flags: flags({
    out: text("out", "FILE", { description: "File to write; it must not exist yet" }),
    dataDir: dataDirFlag
  }),
  positionals: noPositionals,
  run: ({ dataDir, out }, terminal) =>
    Effect.gen(function* () {
      if (out === undefined) {
        return yield* new UsageError({ message: "no output file given", fix: "add --out FILE" })
      }
      const { backupServer } = yield* Effect.promise(() => import("@maxcloud/server"))
      const result = yield* Effect.promise(() =>
        backupServer(resolve(out), dataDir === undefined ? {} : { dataDir: resolve(dataDir) })
      )
      if (!result.ok) {
        return yield* new CommandFailed({
          tag: "BackupFailure",
          exit: backupExits[result.reason],
          message: result.message
        })
      }
      const { bytes, files, masterKeyId, path, rows, tables } = result.value
      if (terminal.json) return terminal.printJson(result.value)
      terminal.print(`${path}: ${bytes} bytes, ${rows} rows of ${tables} tables, ${files} files`)
      terminal.say(
        `the backup doesn't contain the master key (${masterKeyId}). Keep that key elsewhere: without it nobody can decrypt the backup`
      )
    })
})
