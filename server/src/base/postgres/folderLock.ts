import { mkdirSync, readFileSync, statfsSync, writeFileSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { Effect, Either, Schema } from "effect"
import { DatabaseError, explain } from "./DatabaseError.ts"
import { kernelLock } from "./kernelLock.ts"
import { networkFileSystem } from "./networkFileSystem.ts"

/** The process that took the folder last. Only for messages: the kernel knows the real holder. */
const Holder = Schema.parseJson(Schema.Struct({ pid: Schema.Int, host: Schema.String.pipe(Schema.maxLength(255)) }))

const holderIn = (file: string): string => {
  const holder = Either.flatMap(
    Either.try(() => readFileSync(file, "utf8")),
    Schema.decodeUnknownEither(Holder)
  )
  if (Either.isLeft(holder)) return ""
  const { host, pid } = holder.right
  return host === hostname() ? ` (process ${pid})` : ` (process ${pid} on the host or in the container ${host})`
}

const acquire = (dataDir: string): (() => void) => {
  mkdirSync(dataDir, { recursive: true, mode: 0o711 })
  const network = networkFileSystem(statfsSync(dataDir).type)
  if (network !== undefined)
    throw new DatabaseError({
      reason: "failed",
      message: `${dataDir} is on a network file system (${network}), where two machines could run the same database and destroy it. Put the data folder on a disk of this machine, or set DATABASE_URL to a Postgres.`
    })
  const holder = join(dataDir, "server.lock")
  const release = kernelLock(join(dataDir, "server.lock.db"))
  if (release === undefined)
    throw new DatabaseError({
      reason: "locked",
      message: `${dataDir} is in use by another max-cloud server${holderIn(holder)}. Stop that one, or give this one a data folder of its own.`
    })
  writeFileSync(holder, JSON.stringify({ pid: process.pid, host: hostname() }), { mode: 0o600 })
  return release
}

/**
 * Claims the data folder for this process, in this scope: no other process of this machine can claim it meanwhile, in
 * any container.
 */
export const folderLock = (dataDir: string) =>
  Effect.acquireRelease(
    Effect.try({
      try: () => acquire(dataDir),
      catch: (error) => explain("Couldn't use the data folder", dataDir, error)
    }),
    (release) => Effect.sync(release)
  )
