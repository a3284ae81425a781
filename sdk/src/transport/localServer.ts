import { createHash } from "node:crypto"
import { lstat, readFile } from "node:fs/promises"
import { homedir, userInfo } from "node:os"
import { isAbsolute, join } from "node:path"
import { Either, Schema } from "effect"

/** The file that a server in local mode writes for its own user's clients, with its address and the path of its token. */
export const LocalServer = Schema.Struct({
  version: Schema.Literal(1),
  /** The address and port that it listens on: `http://127.0.0.1:8080`. */
  url: Schema.String.pipe(Schema.maxLength(100)),
  pid: Schema.Int,
  /** The absolute path of the file that contains only the token. */
  tokenFile: Schema.String.pipe(Schema.maxLength(4_096)),
  /** The token's SHA-256 in hexadecimal digits. A later start has another token, and maybe another address. */
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
  // Windows has no owner or mode here: other users can't read the profile's folder.
  return ownUser() === undefined || (found.uid === ownUser() && (found.mode & closedTo) === 0)
}

/**
 * The folder where this user's servers in local mode register: `maxcloud/servers` in `$XDG_STATE_HOME`, by default `~/.local/state` (XDG Base
 * Directory Specification). If `HOME` belongs to another user (sudo), it's in the home folder that the system knows.
 */
export const localServersFolder = async (): Promise<string> => {
  const written = process.env["XDG_STATE_HOME"] ?? ""
  if (isAbsolute(written)) return join(written, "maxcloud", "servers")
  const isOwnHome = ownUser() === undefined || (await lstat(homedir()).catch(() => undefined))?.uid === ownUser()
  return join(isOwnHome ? homedir() : userInfo().homedir, ".local", "state", "maxcloud", "servers")
}

/** The file name for the server at this address. */
export const localServerFile = (address: string, port: number): string => `${address.replaceAll(":", "_")}-${port}.json`

export const tokenDigestOf = (token: string): string => createHash("sha256").update(token).digest("hex")

/** A literal loopback address in a URL. A name could resolve to another address, where somebody else listens. */
const loopbackUrl = /^http:\/\/(127(?:\.\d{1,3}){3}|\[::1\])(?::(\d{1,5}))?$/

/**
 * The token of this user's own server at `apiUrl`; undefined if there is none. Looks it up only by the address and port that the server itself
 * wrote into a folder that nobody else can write to. It must also belong to that start: a program that listens there after the server has
 * stopped gets no token, or an expired one.
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
