import { execFile } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { registryIssuer } from "../../src/stores/registry/RegistryTokens.ts"
import { registryCertificate } from "../../src/stores/registry/registryCertificate.ts"
import { registryKeyOf } from "../../src/stores/registry/registryKey.ts"
import { freePort } from "../freePort.ts"
import { startTestRegistry } from "./testRegistry.ts"

/** The host of a registry that isn't started yet, and the settings of a server whose own one it will be. */
export const planOwnRegistry = async (rotation = "12h") => {
  const host = `127.0.0.1:${await freePort()}`
  const secret = randomBytes(32).toString("base64url")
  return {
    host,
    secret,
    settings: {
      REGISTRY_URL: host,
      REGISTRY_JWT_SECRET: secret,
      MAXCLOUD_INSECURE_REGISTRIES: host,
      MAXCLOUD_REGISTRY_PULL_ROTATION: rotation
    }
  }
}

/** Starts it (Debian's `docker-registry`) with the keys of the server at this URL. */
export const startOwnRegistry = async (
  { host, secret }: Awaited<ReturnType<typeof planOwnRegistry>>,
  serverUrl: string
) => {
  const folder = await mkdtemp(join(tmpdir(), "own-registry-"))
  const keys = join(folder, "keys.pem")
  await writeFile(keys, registryCertificate(registryKeyOf(Buffer.from(secret, "utf8"))))
  const realm = `${serverUrl}/api/v1/registry/token`
  const registry = await startTestRegistry(
    { realm, service: host, issuer: registryIssuer, rootcertbundle: keys },
    "docker-registry",
    host
  )
  return {
    realm,
    /** Pushes an image of this machine with a password of the server. */
    push: (image: string, name: string, password: string) =>
      promisify(execFile)("podman", [
        ...["push", "--quiet", "--tls-verify=false", "--creds", `me:${password}`],
        ...[image, `docker://${host}/${name}`]
      ]),
    [Symbol.asyncDispose]: async () => {
      await registry[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
export type OwnRegistry = Awaited<ReturnType<typeof startOwnRegistry>>
