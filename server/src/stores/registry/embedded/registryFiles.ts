import { randomBytes } from "node:crypto"
import { chmod, mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { errorCode } from "../../../base/node/errorCode.ts"
import { type PublishedKey, registryIssuer } from "../RegistryTokens.ts"
import type { RegistryProgram } from "./registryProgram.ts"

/** The embedded registry's folder in the data folder. */
export const registryFolderIn = (dataDir: string): string => join(dataDir, "registry")

/** Below it, Distribution keeps its blobs and repositories. */
export const blobFolderIn = (dataDir: string): string => join(registryFolderIn(dataDir), "blobs")

export interface RegistryFiles {
  readonly dataDir: string
  readonly program: RegistryProgram
  /** The tokens' audience: the registry's host. */
  readonly service: string
  /** The URL of the token endpoint. */
  readonly realm: string
  readonly keys: ReadonlyArray<PublishedKey>
}

/** Replaces a file that only this user may read. */
const write = async (path: string, text: string) => {
  const draft = `${path}.new`
  await writeFile(draft, text, { mode: 0o600 })
  await chmod(draft, 0o600)
  await rename(draft, path)
}

/** Signs the state of uploads. It stays the same over restarts, so that an upload can continue after one. */
const uploadSecret = async (folder: string): Promise<string> => {
  const path = join(folder, "secret")
  const found = await readFile(path, "utf8").catch((cause) => {
    if (errorCode(cause) === "ENOENT") return ""
    throw cause
  })
  if (/^[\w-]{43}$/.test(found)) return found
  const secret = randomBytes(32).toString("base64url")
  await write(path, secret)
  return secret
}

const tokenAuth = ({ program, realm, service }: RegistryFiles, folder: string) => ({
  realm,
  service,
  issuer: registryIssuer,
  ...(program.major === 2
    ? { rootcertbundle: join(folder, "keys.pem") }
    : { jwks: join(folder, "keys.json"), signingalgorithms: ["ES256"] })
})

const configuration = (files: RegistryFiles, folder: string, secret: string) => ({
  version: 0.1,
  log: { level: "info", formatter: "json", accesslog: { disabled: true } },
  storage: {
    filesystem: { rootdirectory: blobFolderIn(files.dataDir) },
    // Only the server gets tokens that allow it.
    delete: { enabled: true },
    maintenance: { uploadpurging: { enabled: true, age: "168h", interval: "24h", dryrun: false } }
  },
  // The kernel picks a free port. Behind the API's address, only relative URLs are right for every client.
  http: { addr: "127.0.0.1:0", relativeurls: true, secret, draintimeout: "5s" },
  auth: { token: tokenAuth(files, folder) }
})

/** Writes the registry's configuration and keys, and returns the configuration's path. */
export const writeRegistryFiles = async (files: RegistryFiles): Promise<string> => {
  const folder = registryFolderIn(files.dataDir)
  await mkdir(blobFolderIn(files.dataDir), { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  const { keys } = files
  await write(join(folder, "keys.pem"), keys.map(({ certificate }) => certificate).join(""))
  const jwks = keys.map(({ id, jwk }) => ({ ...jwk, kid: id, alg: "ES256", use: "sig" }))
  await write(join(folder, "keys.json"), JSON.stringify({ keys: jwks }))
  const path = join(folder, "config.json")
  // JSON is YAML.
  await write(path, JSON.stringify(configuration(files, folder, await uploadSecret(folder)), null, 2))
  return path
}
