import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { registryIssuer } from "../../src/stores/registry/RegistryTokens.ts"
import { freePort } from "../freePort.ts"
import { ServerProcess } from "../serverProcess.ts"
import { missingTools, type RegistryProgram } from "./missingTools.ts"
import { buildTrueImage } from "./scratchImage.ts"
import { startTestRegistry, type TestRegistry } from "./testRegistry.ts"

const podman = (environment: Readonly<Record<string, string>>, ...args: ReadonlyArray<string>) =>
  promisify(execFile)("podman", [...args], { env: { ...process.env, ...environment } }).then(
    ({ stdout }) => stdout.trim(),
    (error: { readonly stderr: string }) => Promise.reject(new Error(error.stderr))
  )

const service = "registry.test"
const built = `localhost/maxcloud-tokens:${process.pid}`
const secrets = ["first", "second"].map((word) => `${word} `.repeat(8).trim())

/** What the registry's configuration names its keys by, in the form of its version. */
const keysOf: Readonly<Record<RegistryProgram, (folder: string) => object>> = {
  "docker-registry": (folder) => ({ rootcertbundle: join(folder, "keys.pem") }),
  registry: (folder) => ({ jwks: join(folder, "keys.json"), signingalgorithms: ["ES256"] })
}

const programs: ReadonlyArray<RegistryProgram> = ["docker-registry", "registry"]

describe.each(programs)("tokens for CNCF Distribution (%s)", (program) => {
  const missing = missingTools("tokens of a registry", "podman", program)
  let server: ServerProcess
  let registry: TestRegistry
  let folder: string
  let organization: string
  let token: string

  /** Writes the keys that the server publishes, as the operator of the registry does. */
  const writeKeys = async () => {
    const published = await server.client.registry.keys()
    const certificates = published.keys.map(
      ({ x5c }) => `-----BEGIN CERTIFICATE-----\n${x5c[0]}\n-----END CERTIFICATE-----\n`
    )
    writeFileSync(join(folder, "keys.pem"), certificates.join(""))
    writeFileSync(join(folder, "keys.json"), JSON.stringify(published))
    return published.keys.map(({ kid }) => kid)
  }

  const push = (name: string, password = token) =>
    podman(
      registry.environment,
      "push",
      "--quiet",
      "--tls-verify=false",
      "--creds",
      `me:${password}`,
      built,
      `docker://${registry.host}/${name}`
    )
  const pull = (name: string, password = token) =>
    podman(
      registry.environment,
      "pull",
      "--quiet",
      "--tls-verify=false",
      "--creds",
      `me:${password}`,
      `${registry.host}/${name}`
    )
  /** The status of a manifest for a bearer of this token. */
  const statusOf = async (name: string, tag: string, bearer: string) => {
    const response = await fetch(`http://${registry.host}/v2/${name}/manifests/${tag}`, {
      headers: {
        authorization: `Bearer ${bearer}`,
        accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
      }
    })
    await response.body?.cancel()
    return response.status
  }
  /** The password of the server's own user. It is new after each start. */
  const localToken = () => readFileSync(join(server.dataDirectory, "local-token"), "utf8").trim()
  const issued = async (...scope: ReadonlyArray<string>) =>
    (await server.client.registry.token({ service, scope })).token

  beforeAll(async () => {
    if (missing.length > 0) return
    folder = mkdtempSync(join(tmpdir(), "registry-keys-"))
    await buildTrueImage(built)
    server = new ServerProcess(await freePort(), { REGISTRY_URL: service, REGISTRY_JWT_SECRET: secrets[0] })
    await server.start()
    await writeKeys()
    registry = await startTestRegistry(
      { realm: `${server.url}/api/v1/registry/token`, service, issuer: registryIssuer, ...keysOf[program](folder) },
      program
    )
    organization = (await server.client.organization.get()).id
    token = localToken()
  })
  afterAll(async () => {
    if (missing.length > 0) return
    await registry[Symbol.asyncDispose]()
    await server.end("SIGTERM")
    server.remove()
    rmSync(folder, { recursive: true, force: true })
    await podman({}, "image", "rm", "--force", "--ignore", built)
  })

  it.skipIf(missing.length > 0)("let podman push and pull an image of the organization", async () => {
    await push(`${organization}/shop:1`)
    const pulled = await pull(`${organization}/shop:1`)
    expect(pulled).toMatch(/^[0-9a-f]{64}$/)
    const entries = (await server.client.audit.list()).filter(({ action }) => action === "registryTokens.issue")
    expect(entries.map(({ outcome, subject }) => [outcome, subject])).toContainEqual([
      "succeeded",
      `registry ${organization}/shop:pull,push`
    ])
  })

  it.skipIf(missing.length > 0)("refuse repositories of another organization, and names without one", async () => {
    const other = `org_${"2".repeat(32)}`
    for (const name of [`${other}/shop:1`, "shop:1", `${organization}/shop/cache:1`]) {
      await expect(push(name), name).rejects.toThrow(/denied|unauthorized|authentication required/)
    }
    const entries = (await server.client.audit.list()).filter(({ outcome }) => outcome === "refused")
    expect(entries.map(({ subject }) => subject)).toContainEqual(expect.stringContaining(other))
  })

  it.skipIf(missing.length > 0)("need the right password", async () => {
    await expect(push(`${organization}/shop:2`, "wrong")).rejects.toThrow(/unauthorized|invalid username|401/)
  })

  it.skipIf(missing.length > 0)("allow what they name, and nothing else", async () => {
    const pulling = await issued(`repository:${organization}/shop:pull`)
    expect(await statusOf(`${organization}/shop`, "1", pulling)).toBe(200)
    expect(await statusOf(`${organization}/other`, "1", pulling)).toBe(401)
    const upload = await fetch(`http://${registry.host}/v2/${organization}/shop/blobs/uploads/`, {
      method: "POST",
      headers: { authorization: `Bearer ${pulling}` }
    })
    await upload.body?.cancel()
    expect(upload.status).toBe(401)
  })

  it.skipIf(missing.length > 0)(
    "can be signed by a new key once the registry has it, and the former ones stay valid",
    async () => {
      const scope = `repository:${organization}/shop:pull`
      const former = await issued(scope)
      const restartWith = async (environment: NodeJS.ProcessEnv) => {
        await server.end("SIGTERM")
        server.change(environment)
        await server.start()
        token = localToken()
      }
      // First the registry gets the next key.
      await restartWith({ MAXCLOUD_REGISTRY_JWT_SECRETS_OTHER: secrets[1] })
      const [first, next] = await writeKeys()
      await registry.restart()
      expect(await statusOf(`${organization}/shop`, "1", await issued(scope))).toBe(200)
      // Then the server signs with it.
      await restartWith({ REGISTRY_JWT_SECRET: secrets[1], MAXCLOUD_REGISTRY_JWT_SECRETS_OTHER: secrets[0] })
      expect(await writeKeys()).toStrictEqual([next, first])
      expect(await statusOf(`${organization}/shop`, "1", await issued(scope))).toBe(200)
      expect(await statusOf(`${organization}/shop`, "1", former)).toBe(200)
      await registry.restart()
      expect(await statusOf(`${organization}/shop`, "1", former)).toBe(200)
      await push(`${organization}/shop:3`)
      // Without the former key its tokens are refused.
      await restartWith({ MAXCLOUD_REGISTRY_JWT_SECRETS_OTHER: "" })
      await writeKeys()
      await registry.restart()
      expect(await statusOf(`${organization}/shop`, "1", former)).toBe(401)
      expect(await statusOf(`${organization}/shop`, "1", await issued(scope))).toBe(200)
    }
  )
})
