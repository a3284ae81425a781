import { chmod, lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { LocalServer, localServerFile, localServersFolder, tokenDigestOf } from "@maxcloud/sdk/internal"
import { Effect, Either, Redacted, Schema, type Scope } from "effect"
import { isRunning } from "../../base/host/processIdentity.ts"
import { newToken } from "../../tenancy/identity/tokens.ts"

/** Name of the token's file in the data folder. */
export const tokenFileName = "local-token"

const encode = Schema.encodeSync(Schema.parseJson(LocalServer))
const decode = Schema.decodeUnknownEither(Schema.parseJson(LocalServer))

/**
 * Write a temporary file and rename it: the file is then complete, has its mode from the start, and doesn't follow a planted
 * link.
 */
const writePrivate = async (file: string, text: string): Promise<void> => {
  const beside = `${file}.${process.pid}.new`
  await rm(beside, { force: true })
  await writeFile(beside, text, { flag: "wx", mode: 0o600 })
  await rename(beside, file)
}

const readServer = async (file: string): Promise<LocalServer | undefined> =>
  Either.getOrUndefined(decode(await readFile(file, "utf8").catch(() => "")))

/** Removes the leftovers of killed servers. */
const forgetGone = async (folder: string): Promise<void> => {
  for (const name of await readdir(folder)) {
    const file = join(folder, name)
    const server = name.endsWith(".json") ? await readServer(file) : undefined
    if (server !== undefined && !isRunning(server.pid)) await rm(file, { force: true })
  }
}

/** Creates the folder for this user's running servers. Fails if another user owns it or can write to it. */
const openFolder = async (): Promise<string> => {
  const folder = await localServersFolder()
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const { mode, uid } = await lstat(folder)
  if (process.getuid !== undefined && uid !== process.getuid()) throw new Error(`${folder} belongs to another user`)
  if (process.platform !== "win32" && (mode & 0o077) !== 0) await chmod(folder, 0o700)
  return folder
}

/**
 * The token of a server in local mode, new at each start. The data folder holds it for its readers (mode 600), and this user's
 * clients find it by address and port. Both files are removed when the scope closes, before another program can take the port.
 */
export const makeLocalToken = (
  dataDir: string,
  { address, port }: Pick<AddressInfo, "address" | "port">
): Effect.Effect<Redacted.Redacted, never, Scope.Scope> => {
  const { token } = newToken("local", "server00")
  const tokenFile = join(dataDir, tokenFileName)
  const tokenDigest = tokenDigestOf(Redacted.value(token))
  const url = `http://${address.includes(":") ? `[${address}]` : address}:${port}`
  const toError = (cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause)))
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: toError })

  const tell = Effect.acquireRelease(
    attempt(async () => {
      const folder = await openFolder()
      await forgetGone(folder)
      const file = join(folder, localServerFile(address, port))
      await writePrivate(file, `${encode({ version: 1, url, pid: process.pid, tokenFile, tokenDigest })}\n`)
      return file
    }),
    (file) =>
      Effect.promise(async () => {
        if ((await readServer(file))?.tokenDigest === tokenDigest) await rm(file, { force: true })
      })
  )
  return Effect.acquireRelease(
    attempt(() => writePrivate(tokenFile, `${Redacted.value(token)}\n`)),
    () =>
      Effect.promise(async () => {
        // Another server may share the folder if the database is elsewhere.
        const found = await readFile(tokenFile, "utf8").catch(() => "")
        if (tokenDigestOf(found.trim()) === tokenDigest) await rm(tokenFile, { force: true })
      })
  ).pipe(
    Effect.andThen(tell),
    Effect.catchAll((error) =>
      Effect.logWarning(
        `Clients can't find this server's local token automatically: ${error.message}. On Linux they don't need it. On other systems, send the content of ${tokenFile} as a bearer token.`
      )
    ),
    Effect.as(token)
  )
}
