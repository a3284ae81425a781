import { chmod, type FileHandle, mkdir, open, realpath, rename, rm, stat } from "node:fs/promises"
import { dirname } from "node:path"
import { setTimeout } from "node:timers/promises"
import {
  CredentialsFile,
  type CredentialUnavailable,
  cannot,
  credentialsPath,
  type Environment,
  errorCode,
  type Kept,
  normalUrl,
  readCredentials,
  type Warn
} from "@maxcloud/sdk/credentials"
import { Effect, Schema } from "effect"

const encode = Schema.encodeSync(CredentialsFile)

/** A writer that takes longer has ended without its file. */
const longestWriteMs = 10_000
const pauseMs = 20

/** The new file is written next to the old one. Creating it exclusively makes this process the only writer, as git does it. */
const begin = async (target: string): Promise<FileHandle> => {
  const beside = `${target}.new`
  let seen: { readonly since: number; readonly atMs: number } | undefined
  for (;;) {
    try {
      return await open(beside, "wx", 0o600)
    } catch (error) {
      if (errorCode(error) !== "EEXIST") throw error
      const since = await stat(beside).then(
        (found) => found.mtimeMs,
        () => Date.now()
      )
      // Judge by the timestamp or by our own waiting time: after the clock was set back, the timestamp doesn't tell the age.
      if (seen?.since !== since) seen = { since, atMs: performance.now() }
      const isLeft = Date.now() - since > longestWriteMs || performance.now() - seen.atMs > longestWriteMs
      if (isLeft) await rm(beside, { force: true })
      else await setTimeout(pauseMs)
    }
  }
}

/** Written beside and put in its place at once: a reader sees the former file or the new one, whole. */
const change = (
  file: string,
  warn: Warn,
  edit: (servers: CredentialsFile["servers"]) => CredentialsFile["servers"]
): Effect.Effect<void, CredentialUnavailable> => {
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: cannot("written", file) })
  return Effect.gen(function* () {
    // It may be a link to where somebody keeps such files.
    const target = yield* attempt(async () => {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      await chmod(dirname(file), 0o700)
      return await realpath(file).catch(() => file)
    })
    const handle = yield* Effect.acquireRelease(
      attempt(() => begin(target)),
      (handle, exit) =>
        Effect.promise(async () => {
          await handle.close().catch(() => {})
          if (exit._tag === "Failure") await rm(`${target}.new`, { force: true })
        })
    )
    const { servers } = yield* readCredentials(file, warn)
    yield* attempt(async () => {
      await handle.writeFile(`${JSON.stringify(encode({ version: 1, servers: edit(servers) }), null, 2)}\n`)
      await handle.sync()
      await rename(`${target}.new`, target)
    })
  }).pipe(Effect.scoped)
}

/** The credentials file of this user. On Windows its mode is not looked at: the profile's folder is closed to others there. */
export const makeCredentials = (env: Environment, warn: Warn) => {
  const file = credentialsPath(env)
  return {
    file,
    find: (apiUrl: string): Effect.Effect<Kept | undefined, CredentialUnavailable> =>
      Effect.map(readCredentials(file, warn), ({ servers }) => servers[normalUrl(apiUrl)]),
    keep: (apiUrl: string, kept: Kept): Effect.Effect<void, CredentialUnavailable> =>
      change(file, warn, (servers) => ({ ...servers, [normalUrl(apiUrl)]: kept })),
    forget: (apiUrl: string): Effect.Effect<void, CredentialUnavailable> =>
      change(file, warn, (servers) =>
        Object.fromEntries(Object.entries(servers).filter(([url]) => url !== normalUrl(apiUrl)))
      )
  }
}
