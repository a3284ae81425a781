import { createHash } from "node:crypto"
import { lstat, readFile } from "node:fs/promises"
import { homedir, userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import { Either, Schema } from "effect"

/** A server in local mode writes this file for the clients of its own user: its address, and where its token is. */
export const LocalServer = Schema.Struct({
  version: Schema.Literal(1),
  /** The address and port that it listens on: `http://127.0.0.1:8080`. */
  url: Schema.String.pipe(Schema.maxLength(100)),
  pid: Schema.Int,
  /** Absolute path of the file that holds the token alone. */
  tokenFile: Schema.String.pipe(Schema.maxLength(4_096)),
  /** SHA-256 of the token in hexadecimal digits: a token of a later start is another one, and of another address perhaps. */
  tokenDigest: Schema.String.pipe(Schema.pattern(/^[0-9a-f]{64}$/))
})
export type LocalServer = typeof LocalServer.Type

const decode = Schema.decodeUnknownEither(Schema.parseJson(LocalServer))
const longestFile = 16 * 1024

const ownUser = () => process.getuid?.()

const isOurs = async (path: string, kind: "file" | "folder", closedTo: number): Promise<boolean> => {
  const found = await lstat(path).catch(() => undefined)
  if (found === undefined || (kind === "file" ? !found.isFile() : !found.isDirectory())) return false
  if (found.size > longestFile && kind === "file") return false
  // Windows has neither owner nor mode here: the folder of the profile is closed to others.
  return ownUser() === undefined || (found.uid === ownUser() && (found.mode & closedTo) === 0)
}

/**
 * The folder where this user's servers in local mode tell where they are: `maxcloud/servers` in `$XDG_STATE_HOME`, by default
 * `~/.local/state` (XDG Base Directory Specification). With the `HOME` of another user (sudo), it is in the home that the system knows.
 */
export const localServersFolder = async (): Promise<string> => {
  const written = process.env["XDG_STATE_HOME"] ?? ""
  if (isAbsolute(written)) return join(written, "maxcloud", "servers")
  const isOwnHome = ownUser() === undefined || (await lstat(homedir()).catch(() => undefined))?.uid === ownUser()
  return join(isOwnHome ? homedir() : userInfo().homedir, ".local", "state", "maxcloud", "servers")
}

/** Name of the file of the server at this address. */
export const localServerFile = (address: string, port: number): string => `${address.replaceAll(":", "_")}-${port}.json`

export const tokenDigestOf = (token: string): string => createHash("sha256").update(token).digest("hex")

/** A loopback address as written in a URL. A name could resolve to another address, where somebody else listens. */
const loopbackUrl = /^http:\/\/(127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?$/

/**
 * The token of this user's own server at `apiUrl`; undefined if there is none. We look it up only by the address and port that the server
 * wrote down itself, in a folder that nobody else may write. It must also belong to that start: a program that listens there after the
 * server has stopped gets no token, or an expired one.
 */
export const localToken = async (apiUrl: string): Promise<string | undefined> => {
  const [, host, port = "80"] = loopbackUrl.exec(apiUrl) ?? []
  if (host === undefined) return undefined
  try {
    const folder = await localServersFolder()
    if (!(await isOurs(folder, "folder", 0o022))) return undefined
    const file = join(folder, localServerFile(host.replace(/^\[|\]$/g, ""), Number(port)))
    if (!(await isOurs(file, "file", 0o022))) return undefined
    const server = Either.getOrUndefined(decode(await readFile(file, "utf8")))
    if (server === undefined || server.url !== `http://${host}:${port}`) return undefined
    if (!(await isOurs(server.tokenFile, "file", 0o077))) return undefined
    const token = (await readFile(server.tokenFile, "utf8")).trim()
    return tokenDigestOf(token) === server.tokenDigest ? token : undefined
  } catch {
    return undefined
  }
}
