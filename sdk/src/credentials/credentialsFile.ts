import { chmod, readFile, stat } from "node:fs/promises"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import { Effect, Either, Schema } from "effect"
import { CredentialUnavailable } from "../errors.ts"

/** The stored entry of one server: the signed-in person and their credential. */
export const Kept = Schema.Struct({
  token: Schema.Redacted(Schema.String),
  type: Schema.Literal("session", "key"),
  organization: Schema.String,
  email: Schema.NullOr(Schema.String),
  expiresAt: Schema.NullOr(Schema.String)
})
export type Kept = typeof Kept.Type

/** What `maxcloud auth login` keeps. */
export const CredentialsFile = Schema.Struct({
  version: Schema.Literal(1),
  /** By the URL of the server, normalized. */
  servers: Schema.Record({ key: Schema.String, value: Kept })
})
export type CredentialsFile = typeof CredentialsFile.Type

const decode = Schema.decodeUnknownEither(Schema.parseJson(CredentialsFile))

export type Environment = Readonly<Record<string, string | undefined>>
export type Warn = (line: string) => void

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

export const errorCode = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : String(error)

export const cannot = (what: "read" | "written", file: string) => (error: unknown) =>
  new CredentialUnavailable({
    source: "credentials file",
    passing: false,
    detail: `${file} cannot be ${what} (${errorCode(error)})`,
    fix: "make it a file that you may read and write, or name a credential by MAXCLOUD_API_KEY"
  })

/** The parser's message about a damaged file could quote a token, so we only say that the file is damaged. */
const damaged = (file: string) =>
  new CredentialUnavailable({
    source: "credentials file",
    passing: false,
    detail: `the credentials in ${file} are damaged, or written by a newer maxcloud`,
    fix: `put it right, or rename it (mv ${file} ${file}.damaged) and sign in again: maxcloud auth login`
  })

/** Others may have read a file with such a mode. Make it private, and warn. */
const tighten = async (file: string, mode: number, warn: Warn): Promise<void> => {
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

/** The credentials file; without entries if there is none. On Windows its mode is not looked at: the profile's folder is closed to others there. */
export const readCredentials = (file: string, warn: Warn): Effect.Effect<CredentialsFile, CredentialUnavailable> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: async () => {
        try {
          const found = await readFile(file, "utf8")
          await tighten(file, (await stat(file)).mode, warn)
          return found
        } catch (error) {
          if (errorCode(error) === "ENOENT") return undefined
          throw error
        }
      },
      catch: cannot("read", file)
    })
    return text === undefined
      ? { version: 1 as const, servers: {} }
      : yield* Either.mapLeft(decode(text), () => damaged(file))
  })
