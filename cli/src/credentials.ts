import { chmod, type FileHandle, mkdir, open, readFile, realpath, rename, rm, stat } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, isAbsolute, join } from "node:path"
import { setTimeout } from "node:timers/promises"
import { Effect, Either, Schema } from "effect"
import { CommandFailed } from "./failure.ts"

/** The stored entry of one server: the signed-in person and their credential. */
export const Kept = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  type: Schema.Literal("session", "key"),
  organization: Schema.String,
  email: Schema.NullOr(Schema.String),
  expiresAt: Schema.NullOr(Schema.String)
})
export type Kept = typeof Kept.Type

const CredentialsFile = Schema.Struct({
  version: Schema.Literal(1),
  /** By the URL of the server, normalized. */
  servers: Schema.Record({ key: Schema.String, value: Kept })
})
type CredentialsFile = typeof CredentialsFile.Type

const decode = Schema.decodeUnknownEither(Schema.parseJson(CredentialsFile))
const encode = Schema.encodeSync(CredentialsFile)

type Environment = Readonly<Record<string, string | undefined>>

/** `$XDG_CONFIG_HOME/maxcloud/credentials.json`, by default below `~/.config` (XDG Base Directory Specification: relative paths do not count). */
export const credentialsPath = (env: Environment): string => {
  const written = env["XDG_CONFIG_HOME"] ?? ""
  return join(isAbsolute(written) ? written : join(homedir(), ".config"), "maxcloud", "credentials.json")
}

/** One way to write a server's URL: `HTTPS://Cloud.Example.com:443/` is `https://cloud.example.com`. */
export const normalUrl = (apiUrl: string): string => {
  if (!URL.canParse(apiUrl)) return apiUrl
  const { host, pathname, protocol } = new URL(apiUrl)
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`
}

const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error)

const cannot = (what: string, file: string) => (error: unknown) =>
  new CommandFailed({
    tag: "CredentialsFile",
    exit: 1,
    message: `${file} cannot be ${what} (${errorCode(error)})`,
    fix: "make it a file that you may read and write, or name a credential by MAXCLOUD_API_KEY"
  })

/** The parser's message about a damaged file could quote a token, so we only say that the file is damaged. */
const damaged = (file: string) =>
  new CommandFailed({
    tag: "CredentialsInvalid",
    exit: 1,
    message: `the credentials in ${file} are damaged, or written by a newer maxcloud`,
    fix: `put it right, or rename it (mv ${file} ${file}.damaged) and sign in again: maxcloud auth login`
  })

/** Others may have read a file with such a mode. Make it private, and warn. */
const tighten = async (file: string, mode: number, warn: (line: string) => void): Promise<void> => {
  if (process.platform === "win32" || (mode & 0o077) === 0) return
  const was = (mode & 0o777).toString(8).padStart(3, "0")
  try {
    await chmod(file, 0o600)
    warn(
      `warning: ${file} could be read by others (mode ${was}); it is now 600. Sign in anew if this machine has other users`
    )
  } catch {
    warn(`warning: ${file} can be read by others (mode ${was}): chmod 600 ${file}`)
  }
}

const isAbsent = (error: unknown) => errorCode(error) === "ENOENT"

const read = (file: string, warn: (line: string) => void): Effect.Effect<CredentialsFile, CommandFailed> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: async () => {
        try {
          const found = await readFile(file, "utf8")
          await tighten(file, (await stat(file)).mode, warn)
          return found
        } catch (error) {
          if (isAbsent(error)) return undefined
          throw error
        }
      },
      catch: cannot("read", file)
    })
    return text === undefined
      ? { version: 1 as const, servers: {} }
      : yield* Either.mapLeft(decode(text), () => damaged(file))
  })

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
  warn: (line: string) => void,
  edit: (servers: CredentialsFile["servers"]) => CredentialsFile["servers"]
): Effect.Effect<void, CommandFailed> => {
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
    const { servers } = yield* read(file, warn)
    yield* attempt(async () => {
      await handle.writeFile(`${JSON.stringify(encode({ version: 1, servers: edit(servers) }), null, 2)}\n`)
      await handle.sync()
      await rename(`${target}.new`, target)
    })
  }).pipe(Effect.scoped)
}

/** The credentials file of this user. On Windows its mode is not looked at: the profile's folder is closed to others there. */
export const makeCredentials = (env: Environment, warn: (line: string) => void) => {
  const file = credentialsPath(env)
  return {
    file,
    find: (apiUrl: string): Effect.Effect<Kept | undefined, CommandFailed> =>
      Effect.map(read(file, warn), ({ servers }) => servers[normalUrl(apiUrl)]),
    keep: (apiUrl: string, kept: Kept): Effect.Effect<void, CommandFailed> =>
      change(file, warn, (servers) => ({ ...servers, [normalUrl(apiUrl)]: kept })),
    forget: (apiUrl: string): Effect.Effect<void, CommandFailed> =>
      change(file, warn, (servers) =>
        Object.fromEntries(Object.entries(servers).filter(([url]) => url !== normalUrl(apiUrl)))
      )
  }
}
