import { chmod, readFile, stat } from "node:fs/promises"
import { homedir } from "node:os"
import { isAbsolute, join } from "node:path"
import { decodeUtf8, withoutByteOrderMark } from "@maxcloud/config-schema/plain"
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

/** The file that `maxcloud auth login` writes. */
export const CredentialsFile = Schema.Struct({
  version: Schema.Literal(1),
  /** The entries, by the server's normalized URL. */
  servers: Schema.Record({ key: Schema.String, value: Kept })
})
export type CredentialsFile = typeof CredentialsFile.Type

const decode = Schema.decodeUnknownEither(Schema.parseJson(CredentialsFile))

export type Environment = Readonly<Record<string, string | undefined>>
export type Warn = (line: string) => void

/** `$XDG_CONFIG_HOME/maxcloud/credentials.json`, by default below `~/.config` (XDG Base Directory Specification: ignore relative paths). */
export const credentialsPath = (env: Environment): string => {
  const written = env["XDG_CONFIG_HOME"] ?? ""
  return join(isAbsolute(written) ? written : join(homedir(), ".config"), "maxcloud", "credentials.json")
}

/** Normalizes a server's URL: `HTTPS://Cloud.Example.com:443/` becomes `https://cloud.example.com`. */
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
    detail: `${file} can't be ${what} (${errorCode(error)})`,
    fix: "make it readable and writable for you, or set MAXCLOUD_API_KEY"
  })

/** The parser's message about a damaged file could quote a token, so only say that the file is damaged. */
const damaged = (file: string) =>
  new CredentialUnavailable({
    source: "credentials file",
    passing: false,
    detail: `the credentials in ${file} are damaged, or a newer version of maxcloud wrote them`,
    fix: `repair it, or rename it (mv ${file} ${file}.damaged) and sign in again: maxcloud auth login`
  })

/** Other users may have read a file with such a mode. Make it private, and warn. */
const tighten = async (file: string, mode: number, warn: Warn): Promise<void> => {
  if (process.platform === "win32" || (mode & 0o077) === 0) return
  const was = (mode & 0o777).toString(8).padStart(3, "0")
  try {
    await chmod(file, 0o600)
    warn(
      `warning: other users could read ${file} (mode ${was}). Its mode is now 600. If this machine has other users, sign in again`
    )
  } catch {
    warn(`warning: other users can read ${file} (mode ${was}). Run chmod 600 ${file}`)
  }
}

/** The credentials file, without entries if it doesn't exist. Its mode isn't checked on Windows, where others can't read the profile's folder. */
export const readCredentials = (file: string, warn: Warn): Effect.Effect<CredentialsFile, CredentialUnavailable> =>
  Effect.gen(function* () {
    const text = yield* Effect.tryPromise({
      try: async () => {
        try {
          const found = decodeUtf8(await readFile(file))
          await tighten(file, (await stat(file)).mode, warn)
          return found
        } catch (error) {
          if (errorCode(error) === "ENOENT") return undefined
          throw error
        }
      },
      catch: cannot("read", file)
    })
    if (text === undefined) return { version: 1 as const, servers: {} }
    // `auth login` writes the file again with everything that it read.
    if ("fault" in text) return yield* damaged(file)
    return yield* Either.mapLeft(decode(withoutByteOrderMark(text.text)), () => damaged(file))
  })
