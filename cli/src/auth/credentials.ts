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

/** A lock older than this belongs to a writer that has crashed. */
const longestWriteMs = 10_000
const pauseMs = 20

/** Writes the new file next to the old one. Creating it exclusively makes this process the only writer, as git does. */
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
      // Judge by the timestamp or by our own waiting time: if the clock was set back, the timestamp doesn't show the age.
      if (seen?.since !== since) seen = { since, atMs: performance.now() }
      const isLeft = Date.now() - since > longestWriteMs || performance.now() - seen.atMs > longestWriteMs
      if (isLeft) await rm(beside, { force: true })
      else await setTimeout(pauseMs)
    }
  }
}

/** Replaces the file atomically: a reader sees either the old or the new one, complete. */
const change = (
  file: string,
  warn: Warn,
  edit: (servers: CredentialsFile["servers"]) => CredentialsFile["servers"]
): Effect.Effect<void, CredentialUnavailable> => {
  const attempt = <A>(run: () => Promise<A>) => Effect.tryPromise({ try: run, catch: cannot("written", file) })
  return Effect.gen(function* () {
    // It may be a symbolic link, for example to a folder of dotfiles.
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

/** The credentials file of this user. Its mode isn't checked on Windows, where other users can't read the profile's folder. */
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
