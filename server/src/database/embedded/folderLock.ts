import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Effect, Schema } from "effect"
import { startOf } from "../../host/processIdentity.ts"
import { codeOf, DatabaseError, explain } from "../DatabaseError.ts"

const Holder = Schema.parseJson(Schema.Struct({ pid: Schema.Int, start: Schema.String }))

const holderOf = (file: string): typeof Holder.Type | undefined => {
  try {
    return Schema.decodeUnknownSync(Holder)(readFileSync(file, "utf8"))
  } catch {
    return undefined
  }
}

const acquire = (dataDir: string): string => {
  const file = join(dataDir, "server.lock")
  const mine = { pid: process.pid, start: startOf(process.pid) ?? "" }
  const draft = `${file}.${process.pid}`
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o711 })
    writeFileSync(draft, JSON.stringify(mine), { mode: 0o600 })
    for (let attempt = 0; attempt < 3; attempt++) {
      try {
        // A link is made whole or not at all, so that a lock is never seen half written.
        linkSync(draft, file)
        return file
      } catch (error) {
        if (codeOf(error) !== "EEXIST") throw error
        const holder = holderOf(file)
        if (holder !== undefined && startOf(holder.pid) === holder.start) {
          throw new DatabaseError({
            reason: "locked",
            message: `${dataDir} is in use by another max-cloud server (process ${holder.pid}). Stop that one, or give this one a data folder of its own.`
          })
        }
        rmSync(file, { force: true })
      }
    }
    throw new DatabaseError({
      reason: "locked",
      message: `${dataDir} is being taken by another max-cloud server. Stop that one, or give this one a data folder of its own.`
    })
  } catch (error) {
    throw explain("The data folder cannot be used", dataDir, error)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Takes the data folder for this process, in this scope. A holder that was killed holds nothing: it is known by id and start time. */
export const folderLock = (dataDir: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => acquire(dataDir),
      catch: (error) => explain("The data folder cannot be used", dataDir, error)
    }),
    (file) => Effect.sync(() => rmSync(file, { force: true }))
  )
