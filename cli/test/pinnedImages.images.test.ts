import { execFile } from "node:child_process"
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { dataDirectoryId } from "../../server/src/base/host/dataDirectoryId.ts"
import { dataDirectoryLabel } from "../../server/src/runtimes/local/instances/containers/labels.ts"
import { recordFault } from "../../server/test/chaos/recordFault.ts"
import { freePort } from "../../server/test/freePort.ts"
import { findTool, missingTools } from "../../server/test/registry/missingTools.ts"
import { buildNginxImage } from "../../server/test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../server/test/registry/testRegistry.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { makeFolder, run } from "./cli.ts"

const podman = async (...args: ReadonlyArray<string>) => (await promisify(execFile)("podman", [...args])).stdout.trim()
const built = `localhost/maxcloud-e2e-pinned:${process.pid}`

let registry: TestRegistry
let server: ServerProcess
let folder: string
let image: string
const maxcloud = (args: ReadonlyArray<string>, stdin = "") =>
  run(args, { cwd: folder, env: { MAXCLOUD_API_URL: server.url }, stdin })
const login = (password: string) =>
  maxcloud(["registries", "login", registry.host, "--username", testUser.username], password)
const answer = async () => (await server.ask("web--local.localhost")).body
const digestNow = async () => (await server.client.services.list()).find((each) => each.name === "web")?.status.digest

/** Builds an image with this greeting, and returns its id. */
const build = async (greeting: string) => {
  await buildNginxImage(built, { "/usr/share/nginx/html/index.html": greeting })
  return `sha256:${(await podman("image", "inspect", "--format", "{{.Id}}", built)).replace("sha256:", "")}`
}

/** Pushes an image with this greeting under the tag, and returns its digest. */
const push = async (greeting: string) => {
  await build(greeting)
  await registry.push(built, "acme/web:main")
  await podman("image", "rm", "--force", built)
  const authorization = `Basic ${Buffer.from(`${testUser.username}:${testUser.password}`).toString("base64")}`
  const head = await fetch(`http://${registry.host}/v2/acme/web/manifests/main`, {
    method: "HEAD",
    headers: { authorization, accept: "application/vnd.oci.image.manifest.v1+json" }
  })
  return head.headers.get("docker-content-digest") ?? ""
}

/** Restarts the server, and meanwhile removes the service's image from the engine's store. */
const restartPruned = async () => {
  const label = `label=${dataDirectoryLabel}=${await dataDirectoryId(server.dataDirectory)}`
  const ids = (await podman("ps", "--filter", label, "--format", "{{.ImageID}}")).split("\n")
  expect(ids).toEqual([expect.stringMatching(/^[0-9a-f]{12,}$/)])
  await server.end("SIGTERM")
  await podman("image", "rm", "--force", ...ids)
  await server.start()
}

const missing = missingTools("pinned images", "podman", "docker-registry", "nginx")

describe.skipIf(missing.length > 0)("a service of a private image", () => {
  beforeAll(async () => {
    registry = await startTestRegistry("users")
    image = `${registry.host}/acme/web:main`
    folder = makeFolder({})
    // podman, but it records its arguments and environment.
    const log = join(folder, "podman.log")
    const shim = `#!/bin/sh\n{ echo "$@"; env; } >> '${log}'\nexec ${findTool("podman")} "$@"\n`
    mkdirSync(join(folder, "bin"))
    writeFileSync(join(folder, "bin/podman"), shim, { mode: 0o755 })
    server = new ServerProcess(await freePort(), {
      MAXCLOUD_INSECURE_REGISTRIES: registry.host,
      PATH: `${join(folder, "bin")}:${process.env["PATH"]}`
    })
    await server.start()
  }, 120_000)
  afterAll(async () => {
    await server.end("SIGTERM")
    server.remove()
    rmSync(folder, { recursive: true, force: true })
    await registry[Symbol.asyncDispose]()
    await podman("image", "rm", "--force", "--ignore", built)
  }, 60_000)

  it("is refused without a login, and the fix is a login for the organization only", async () => {
    await push("private")
    const refused = await maxcloud(["deploy", "--name", "web", image])
    const said = refused.stdout + refused.stderr
    expect([refused.code, said]).toEqual([2, expect.stringContaining(`maxcloud registries login ${registry.host}`)])
    expect(said).not.toMatch(/(podman|docker) login/)
    expect(await server.client.services.list()).toEqual([])
  }, 60_000)

  it("stores a login only if the registry accepts it", async () => {
    const wrong = await login("not-the-password")
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining(`denied the user "${testUser.username}"`)])
    expect(wrong.stdout + wrong.stderr).not.toContain("not-the-password")
    expect(JSON.parse((await maxcloud(["registries", "list", "--json"])).stdout)).toEqual({ registries: [] })
    const right = await login(testUser.password)
    expect([right.code, right.stderr]).toEqual([0, expect.stringContaining("accepts")])
  }, 60_000)

  it("resolves its tag at each deployment, and shows the digest in plan, describe and the deployment", async () => {
    const first = await push("first")
    const deployed = await maxcloud(["deploy", "--name", "web", image, "--json"])
    expect([deployed.code, deployed.stdout + deployed.stderr]).toEqual([0, expect.stringContaining(first)])
    expect([await answer(), await digestNow()]).toEqual(["first", first])

    const second = await push("second")
    const again = await maxcloud(["deploy", "--name", "web", image])
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("web: ready")])
    expect([await answer(), await digestNow()]).toEqual(["second", second])
    const described = (await maxcloud(["describe", "web"])).stdout
    expect(described).toContain(second)
    expect(described).toContain(first.slice(7, 19))
    expect((await server.client.services.revisions("web")).map((revision) => revision.image)).toEqual(
      [second, first].map((value) => `${registry.host}/acme/web@${value}`)
    )

    const third = await push("third")
    const { changes } = await server.client.plan({ app: "web", services: [{ name: "web", image }] })
    expect(changes[0]?.fields.find((field) => field.path === "digest")).toMatchObject({
      before: JSON.stringify(second),
      after: JSON.stringify(third)
    })
    recordFault(import.meta.filename, {
      fault: "A tag is pushed again, and the same config deployed",
      seen: "the new image runs; `plan`, `describe` and the deployment show its digest",
      recovery: "not needed",
      seconds: null
    })
  }, 120_000)

  it("keeps its image after a restart without it in the store, and fails if the registry has lost it", async () => {
    const digest = (await digestNow()) ?? ""
    await restartPruned()
    expect([await answer(), await digestNow()]).toEqual(["second", digest])

    await registry.removeBlob(digest)
    await restartPruned()
    const { body, status } = await server.ask("web--local.localhost")
    expect([status, body]).toEqual([503, expect.stringContaining("ImageNotFound")])
    expect((await maxcloud(["describe", "web"])).stdout).toMatch(/ImageNotFound: .*was deleted there/)

    expect((await maxcloud(["deploy", "--name", "web", image])).code).toBe(0)
    expect(await answer()).toBe("third")
    recordFault(import.meta.filename, {
      fault: "The engine's images are pruned while the server is stopped, and the tag has moved",
      seen: "the revision runs its own image, pulled by its digest; if it's gone from the registry, `describe` says “ImageNotFound … was deleted there”",
      recovery: "automatic, or by the next deploy",
      seconds: null
    })
  }, 120_000)

  it("pins a local build by its id, so another build is another revision", async () => {
    for (const greeting of ["built first", "built second"]) {
      const id = await build(greeting)
      expect((await maxcloud(["deploy", "--name", "web", built])).code).toBe(0)
      expect([await answer(), await digestNow()]).toEqual([greeting, id])
    }
    expect((await maxcloud(["delete", "web"])).code).toBe(0)
  }, 120_000)

  it("passes its password to no command of the engine, and leaves it in no file or log", async () => {
    const encoded = Buffer.from(`${testUser.username}:${testUser.password}`).toString("base64")
    const commands = readFileSync(join(folder, "podman.log"), "utf8")
    expect(commands).toContain("load --quiet --input")
    for (const written of [testUser.password, encoded]) {
      expect(commands).not.toContain(written)
      expect(server.output).not.toContain(written)
    }
    const search = 'find "$@" -xdev -type f -exec grep -laF -e "$PLAIN" -e "$ENCODED" {} + 2>/dev/null; true'
    const { stdout } = await promisify(execFile)(
      "sh",
      ["-c", search, "sh", server.dataDirectory, server.temporaryFolder],
      { env: { ...process.env, PLAIN: testUser.password, ENCODED: encoded } }
    )
    expect(stdout).toBe("")
  }, 60_000)
})
