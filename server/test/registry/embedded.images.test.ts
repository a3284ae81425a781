import { randomBytes } from "node:crypto"
import { cpSync, existsSync, readFileSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { isRunning } from "../../src/base/host/processIdentity.ts"
import { removeRepositories } from "../../src/stores/registry/embedded/collection.ts"
import { freePort } from "../freePort.ts"
import { residentBytes, ServerProcess } from "../serverProcess.ts"
import { findTool, missingTools, type RegistryProgram } from "./missingTools.ts"
import { digestOf, pushBlob, pushBuild, types } from "./pushImage.ts"

const decodeToken = Schema.decodeUnknownSync(Schema.Struct({ token: Schema.String }))
const decodeProcess = Schema.decodeUnknownSync(Schema.parseJson(Schema.Struct({ pid: Schema.Int })))

const decodeManifest = Schema.decodeUnknownSync(
  Schema.Struct({ layers: Schema.Array(Schema.Struct({ digest: Schema.String })) })
)

const programs: ReadonlyArray<RegistryProgram> = ["docker-registry", "registry"]

describe.each(programs)("the embedded registry (%s)", (program) => {
  const missing = missingTools("the embedded registry", program)
  let server: ServerProcess
  let host: string
  let repository: string

  const repositoryWithToken = async () => {
    const query = new URLSearchParams({ service: host, scope: `repository:${repository}:pull,push` })
    const answer = await fetch(`${server.url}/api/v1/registry/token?${query}`)
    return { host, name: repository, authorization: `Bearer ${decodeToken(await answer.json()).token}` }
  }
  const statusOf = async (tag: string) => {
    const { authorization } = await repositoryWithToken()
    const url = `http://${host}/v2/${repository}/manifests/${tag}`
    const answer = await fetch(url, { headers: { authorization, accept: types.manifest } })
    await answer.body?.cancel()
    return answer.status
  }
  /** The status of each layer of an image. */
  const layersOf = async (tag: string) => {
    const { authorization } = await repositoryWithToken()
    const get = (path: string) =>
      fetch(`http://${host}/v2/${repository}/${path}`, { headers: { authorization, accept: types.manifest } })
    const { layers } = decodeManifest(await (await get(`manifests/${tag}`)).json())
    return Promise.all(
      layers.map(async ({ digest }) => {
        const answer = await get(`blobs/${digest}`)
        await answer.body?.cancel()
        return answer.status
      })
    )
  }
  const registryPid = () => decodeProcess(readFileSync(join(server.dataDirectory, "registry/process.json"), "utf8")).pid

  beforeAll(async () => {
    if (missing.length > 0) return
    server = new ServerProcess(await freePort(), {
      MAXCLOUD_REGISTRY_PROGRAM: findTool(program),
      // Distribution would read it as a setting of its own, and refuse all deletes.
      REGISTRY_STORAGE_DELETE_ENABLED: "false",
      REGISTRY_AUTH: "none"
    })
    await server.start()
    const info = await server.client.info()
    host = info.registry ?? ""
    repository = `${info.organizationId}/web`
  }, 60_000)

  afterAll(async () => {
    await server?.end("SIGTERM")
    server?.remove()
  })

  it.skipIf(missing.length > 0)("is reached at the API's address, only with the server's tokens", async () => {
    expect(host).toBe(`127.0.0.1:${server.port}`)
    expect(existsSync(join(server.dataDirectory, "registry/config.json"))).toBe(false)
    const answer = await fetch(`http://${host}/v2/`)
    expect([answer.status, answer.headers.get("www-authenticate")]).toEqual([
      401,
      expect.stringContaining(`realm="${server.url}/api/v1/registry/token",service="${host}"`)
    ])
    await pushBuild(await repositoryWithToken(), "first", { platform: "linux/amd64" })
    expect(await statusOf("first")).toBe(200)
    for (const file of ["config.json", "secret", "keys.pem"]) {
      expect(statSync(join(server.dataDirectory, "registry", file)).mode & 0o077, file).toBe(0)
    }
  })

  it.skipIf(missing.length > 0)("passes a layer on without keeping it in memory", async () => {
    const to = await repositoryWithToken()
    const piece = randomBytes(1024 * 1024)
    const start = await fetch(`http://${host}/v2/${repository}/blobs/uploads/`, {
      method: "POST",
      headers: { authorization: to.authorization }
    })
    const before = residentBytes(server.pid)
    let most = before
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        most = Math.max(most, residentBytes(server.pid))
        if (sent++ < 200) controller.enqueue(piece)
        else controller.close()
      }
    })
    let sent = 0
    const answer = await fetch(new URL(start.headers.get("location") ?? "", `http://${host}`), {
      method: "PATCH",
      headers: { authorization: to.authorization, "content-type": "application/octet-stream" },
      body,
      duplex: "half"
    })
    expect([answer.status, answer.headers.get("range")]).toEqual([202, `0-${200 * piece.length - 1}`])
    expect(most - before).toBeLessThan(100 * 1024 * 1024)
  })

  it.skipIf(missing.length > 0)("comes back after it was killed, and keeps what it has", async () => {
    const to = await repositoryWithToken()
    const killed = registryPid()
    process.kill(killed, "SIGKILL")
    await expect.poll(() => statusOf("first"), { timeout: 20_000 }).toBe(200)
    expect(registryPid()).not.toBe(killed)
    const content = randomBytes(1000)
    expect(await pushBlob(to, content)).toEqual({ digest: digestOf(content), size: 1000 })
  })

  it.skipIf(missing.length > 0)("removes the blobs of an erased organization, and no others", async () => {
    const to = await repositoryWithToken()
    const { dataDirectory } = server
    const erased = "org_0000000000000000000000000000dead"
    const { digest } = await pushBlob(to, randomBytes(1000))
    const repositories = join(dataDirectory, "registry/blobs/docker/registry/v2/repositories")
    cpSync(join(repositories, repository), join(repositories, erased, "web"), { recursive: true })
    rmSync(join(repositories, repository, "_layers/sha256", digest.slice(7)), { recursive: true })
    const running = registryPid()
    const hash = digest.slice(7)
    const blob = join(dataDirectory, "registry/blobs/docker/registry/v2/blobs/sha256", hash.slice(0, 2), hash)
    expect(existsSync(blob)).toBe(true)
    await removeRepositories(dataDirectory, erased)
    expect(existsSync(join(repositories, erased))).toBe(false)
    await expect.poll(() => existsSync(blob), { timeout: 20_000 }).toBe(false)
    await expect.poll(() => isRunning(running), { timeout: 20_000 }).toBe(false)
    expect(await statusOf("first")).toBe(200)
    for (const layer of await layersOf("first")) expect(layer).toBe(200)
  })

  it.skipIf(missing.length > 0)(
    "keeps its images over a killed server, whose registry the next server ends",
    async () => {
      const left = registryPid()
      await server.end("SIGKILL")
      expect(isRunning(left)).toBe(true)
      await server.start()
      expect(isRunning(left)).toBe(false)
      expect(await statusOf("first")).toBe(200)
      const last = registryPid()
      await server.end("SIGTERM")
      expect(isRunning(last)).toBe(false)
    },
    60_000
  )
})
