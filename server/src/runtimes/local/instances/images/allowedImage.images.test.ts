import { execFile } from "node:child_process"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import type { OrganizationId } from "@maxcloud/sdk/api"
import { Duration, Effect, Layer, ManagedRuntime, Redacted } from "effect"
import { layerTest as database } from "../../../../../test/database/layerTest.ts"
import { credentialsTest } from "../../../../../test/images/testAccess.ts"
import { acme, other } from "../../../../../test/images/testImages.ts"
import { missingTools } from "../../../../../test/registry/missingTools.ts"
import { buildNginxImage } from "../../../../../test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../../../../test/registry/testRegistry.ts"
import { asServer } from "../../../../base/database/RowScope.ts"
import { type ContainerEngine, detectContainerEngine } from "../../../../base/host/containerEngine.ts"
import { ownUlimits } from "../../../../base/host/ownUlimits.ts"
import { ImageAccess } from "../../../../stores/images/ImageAccess.ts"
import { layer as registryAccess } from "../../../../stores/images/RegistryAccess.ts"
import type { Credentials } from "../../../../stores/images/registry/RegistrySession.ts"
import { InstanceFailed } from "../Instance.ts"
import { allowedImage } from "./allowedImage.ts"

const podman = async (...args: Array<string>) => (await promisify(execFile)("podman", args)).stdout.trim()
const built = `localhost/maxcloud-test-access:${process.pid}`

const missing = missingTools("images of several organizations", "podman", "docker-registry", "nginx")

describe.skipIf(missing.length > 0)("images of the engine's store", () => {
  let registry: TestRegistry
  let engine: ContainerEngine
  let folder: string
  let image: string
  let pulls: Array<string> = []
  const credentials = new Map<OrganizationId, Credentials>()
  const mayPull = { username: testUser.username, password: Redacted.make(testUser.password) }

  const makeAccess = (registries: ReadonlyArray<string>, timeLimit?: Duration.Duration) =>
    ManagedRuntime.make(
      registryAccess({
        dataDirectory: folder,
        insecureRegistries: registries,
        privateRegistries: [],
        ...(timeLimit === undefined ? {} : { timeLimit })
      }).pipe(Layer.provide(credentialsTest(credentials)), Layer.provideMerge(database))
    )
  let access: ReturnType<typeof makeAccess>

  const allow = async (organizationId: OrganizationId, name: string, given?: string, ownsMachine = false) => {
    const found = await access.runPromise(ImageAccess)
    return allowedImage(engine, found, name, given, {
      organizationId,
      ownsMachine,
      onSystem: (line) => pulls.push(line)
    })
  }
  const refusal = (...asked: Parameters<typeof allow>) =>
    allow(...asked).then(
      (id) => `allowed: ${id}`,
      (error) => (error instanceof InstanceFailed ? `${error.reason}: ${error.message}` : `broken: ${error.stack}`)
    )
  const sql = (statement: (sql: SqlClient) => ReturnType<SqlClient["unsafe"]>) =>
    access.runPromise(asServer(Effect.flatMap(SqlClient, statement)))

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "access-"))
    registry = await startTestRegistry("users")
    const detected = await detectContainerEngine({ ...process.env })
    if (!("engine" in detected)) throw new Error(detected.missing)
    engine = detected.engine
    await buildNginxImage(built, { "/etc/of": "acme alone" })
    await registry.push(built, "acme/private:1")
    await podman("image", "rm", "--force", built)
    image = `${registry.host}/acme/private:1`
    access = makeAccess([registry.host])
    await sql((one) =>
      one.unsafe(`insert into organizations (id, name) values ('${acme}', 'acme'), ('${other}', 'other')`)
    )
  })
  afterAll(async () => {
    await access?.dispose()
    await registry?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })
  beforeEach(async () => {
    pulls = []
    credentials.clear()
    credentials.set(acme, mayPull)
    await sql((one) => one.unsafe("delete from image_access"))
  })

  it("are run by the organization that its registry gives them to, and by no other, by name, digest or id", async () => {
    expect(await refusal(other, image)).toMatch(/^ImageUnauthorized: .*without credentials/)
    const id = await allow(acme, image)
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(pulls).toEqual([`Pulling image ${image}`])
    const run = podman("run", "--rm", ...ownUlimits(), "--entrypoint", "/usr/sbin/nginx", id, "-v")
    expect(await run.then(() => "runs")).toBe("runs")
    expect(await refusal(other, image)).toMatch(/^ImageUnauthorized: /)
    expect(await refusal(other, image, id)).toMatch(/^ImageUnauthorized: /)
    expect(await refusal(other, id)).not.toContain("allowed")
    expect(await refusal(other, id.slice(7, 19))).not.toContain("allowed")
    credentials.set(other, { username: "puller", password: Redacted.make("wrong") })
    expect(await refusal(other, image)).toMatch(/^ImageUnauthorized: .*the user "puller"/)
    // Remembered only for acme, without another download.
    pulls = []
    expect(await allow(acme, image, id)).toBe(id)
    expect(pulls).toEqual([])
    await podman("image", "rm", "--force", id)
  })

  it("are refused once their registry refuses them, when the permission has expired", async () => {
    const id = await allow(acme, image)
    credentials.clear()
    // Remembered for a quarter of an hour.
    expect(await allow(acme, image, id)).toBe(id)
    await sql((one) => one.unsafe("update image_access set checked_at = now() - interval '16 minutes'"))
    expect(await refusal(acme, image, id)).toMatch(/^ImageUnauthorized: /)
    // It stays refused: the permission is deleted.
    expect(await refusal(acme, image, id)).toMatch(/^ImageUnauthorized: /)
    expect(await sql((one) => one.unsafe("select 1 from image_access"))).toEqual([])
    await podman("image", "rm", "--force", id)
  })

  describe("that a revision has run before", () => {
    const tagged = () => `${registry.host}/acme/moving:main`
    const push = async (content: string) => {
      await buildNginxImage(built, { "/etc/of": content })
      await registry.push(built, "acme/moving:main")
      await podman("image", "rm", "--force", built)
    }
    const prune = (id: string) => podman("image", "rm", "--force", id)

    it("are pulled by their digest after the store was pruned, wherever their tag points now", async () => {
      for (const ownsMachine of [false, true]) {
        await push(`first ${ownsMachine}`)
        const first = await allow(acme, tagged(), undefined, ownsMachine)
        await push(`second ${ownsMachine}`)
        await prune(first)
        expect(await allow(acme, tagged(), first, ownsMachine)).toBe(first)
        const second = await allow(acme, tagged(), undefined, ownsMachine)
        expect(second).not.toBe(first)
        await prune(first)
        await prune(second)
      }
    })

    it("are reported missing if only the tag is known, and the tag's new image doesn't run", async () => {
      for (const ownsMachine of [false, true]) {
        await push(`third ${ownsMachine}`)
        const third = await allow(acme, tagged(), undefined, ownsMachine)
        await prune(third)
        await sql((one) => one.unsafe("delete from image_access"))
        // It works as long as the tag still points to that image.
        expect(await allow(acme, tagged(), third, ownsMachine)).toBe(third)
        await push(`fourth ${ownsMachine}`)
        await prune(third)
        await sql((one) => one.unsafe("delete from image_access"))
        expect(await refusal(acme, tagged(), third, ownsMachine)).toMatch(
          /^ImageNotFound: .*of this revision is no longer on this machine/
        )
      }
    })

    it("are reported missing if their registry has lost them", async () => {
      const lost = `${registry.host}/acme/moving@sha256:${"1".repeat(64)}`
      for (const ownsMachine of [false, true]) {
        expect(await refusal(acme, lost, undefined, ownsMachine)).toMatch(/^ImageNotFound: .*it was deleted there/)
      }
    })

    it("and were built here run by their id, and are gone with it, whatever else is built under their name", async () => {
      const name = `localhost/maxcloud-test-built:${process.pid}`
      const idNow = async () =>
        `sha256:${(await podman("image", "inspect", "--format", "{{.Id}}", name)).replace("sha256:", "")}`
      await buildNginxImage(name, { "/etc/of": "first build" })
      const first = await idNow()
      const pinned = `${name.slice(0, name.lastIndexOf(":"))}@${first}`
      await buildNginxImage(name, { "/etc/of": "second build" })
      const second = await idNow()
      expect(second).not.toBe(first)
      expect(await allow(acme, pinned, undefined, true)).toBe(first)
      await prune(first)
      for (const [asked, given] of [
        [pinned, undefined],
        [pinned, first],
        [name, first],
        [first, undefined]
      ] as const) {
        expect(await refusal(acme, asked, given, true)).toMatch(/^ImageNotFound: .*removed from this machine/)
      }
      expect(await refusal(acme, pinned)).not.toContain("allowed")
      await prune(second)
    })
  })

  it("run for another day while their registry is unreachable, and no longer", async () => {
    const away = createServer()
    await new Promise<void>((resolve) => away.listen(0, "127.0.0.1", resolve))
    const address = away.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    await new Promise((resolve) => away.close(resolve))
    const gone = `127.0.0.1:${address.port}/acme/private:1`
    const own = makeAccess([`127.0.0.1:${address.port}`])
    const id = await allow(acme, image)
    const before = access
    try {
      access = own
      await sql((one) => one.unsafe(`insert into organizations (id, name) values ('${acme}', 'acme')`))
      const age = (interval: string) =>
        sql((one) =>
          one.unsafe(`insert into image_access (organization_id, reference, image_id, digest, checked_at)
            values ('${acme}', '${gone}', '${id}', '${id}', now() - interval '${interval}')
            on conflict (organization_id, reference, image_id) do update set checked_at = excluded.checked_at`)
        )
      await age("23 hours")
      expect(await allow(acme, gone, id)).toBe(id)
      expect(pulls.at(-1)).toContain("Running the image, which was allowed before.")
      await age("25 hours")
      expect(await refusal(acme, gone, id)).toMatch(/^RegistryUnreachable: /)
    } finally {
      access = before
      await own.dispose()
      await podman("image", "rm", "--force", id)
    }
  })

  it("are requested again if their plain-HTTP registry hangs, whatever the engine says", async () => {
    const hanging = createServer(() => {})
    await new Promise<void>((resolve) => hanging.listen(0, "127.0.0.1", resolve))
    const address = hanging.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    const before = access
    const own = makeAccess([`127.0.0.1:${address.port}`], Duration.millis(200))
    try {
      access = own
      await sql((one) => one.unsafe(`insert into organizations (id, name) values ('${acme}', 'acme')`))
      for (const ownsMachine of [true, false]) {
        const asked = allow(acme, `127.0.0.1:${address.port}/app:1`, undefined, ownsMachine)
        await expect(asked).rejects.toMatchObject({
          reason: "RegistryUnreachable",
          message: expect.stringContaining("hasn't answered within 0.2 s"),
          retryable: true
        })
      }
    } finally {
      access = before
      await own.dispose()
      hanging.closeAllConnections()
      hanging.close()
    }
  })

  it("belong only to the machine's owner if they were built here", async () => {
    await buildNginxImage(built)
    const id = `sha256:${(await podman("image", "inspect", "--format", "{{.Id}}", built)).replace("sha256:", "")}`
    expect(await allow(acme, built, undefined, true)).toBe(id)
    expect(await allow(acme, id, undefined, true)).toBe(id)
    expect(await refusal(acme, built)).toMatch(/^RegistryUnreachable: .*doesn't call for tenants/)
    expect(await refusal(acme, id)).not.toContain("allowed")
    expect(await refusal(acme, `localhost/not-there:${process.pid}`, undefined, true)).toMatch(
      /^ImageNotFound: .*localhost isn't a registry/
    )
    await podman("image", "rm", "--force", built)
  })

  it("are never pulled with the operator's logins", async () => {
    const logins = join(folder, "operator.json")
    await podman(
      "login",
      "--tls-verify=false",
      "--authfile",
      logins,
      "-u",
      testUser.username,
      "-p",
      testUser.password,
      registry.host
    )
    const detected = await detectContainerEngine({
      ...process.env,
      ...registry.environment,
      REGISTRY_AUTH_FILE: logins
    })
    if (!("engine" in detected)) throw new Error(detected.missing)
    const own = engine
    try {
      engine = detected.engine
      // They are valid: the engine itself pulls with them.
      expect((await engine.run(["pull", "--quiet", image])).code).toBe(0)
      await podman("image", "rm", "--force", image)
      credentials.clear()
      expect(await refusal(acme, image)).toMatch(/^ImageUnauthorized: /)
      expect(await refusal(acme, image, undefined, true)).toMatch(/^ImageUnauthorized: /)
      // Only for the engine is `docker.io` that registry: the machine's owner gets there through the engine's configuration.
      expect(await refusal(acme, "acme/private:1", undefined, true)).toMatch(/^ImageUnauthorized: /)
      expect(await podman("image", "ls", "--quiet", image)).toBe("")
    } finally {
      engine = own
    }
  })

  it("are never requested from this machine's addresses except listed ports, and nothing is sent there", async () => {
    let asked = 0
    const victim = createServer((_, response) => {
      asked++
      response.end()
    })
    victim.on("connection", () => asked++)
    await new Promise<void>((resolve) => victim.listen(0, "127.0.0.1", resolve))
    const address = victim.address()
    if (address === null || typeof address === "string") throw new Error("no port")
    for (const host of ["127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "0.0.0.0", "tenant.localhost"]) {
      for (const ownsMachine of [true, false]) {
        const said = await refusal(acme, `${host}:${address.port}/app:1`, undefined, ownsMachine)
        expect([host, said]).toEqual([host, expect.stringMatching(/^(RegistryUnreachable|ImageInvalid): /)])
      }
    }
    for (const host of ["169.254.169.254", "100.100.100.200", "168.63.129.16", "10.0.0.1:6443", "192.168.1.1"]) {
      expect([host, await refusal(acme, `${host}/app:1`, undefined, true)]).toEqual([
        host,
        expect.stringContaining("doesn't call for tenants")
      ])
    }
    // The suggested setting works.
    expect(await refusal(acme, "10.0.0.1:6443/app:1", undefined, true)).toContain(
      "MAXCLOUD_PRIVATE_REGISTRIES=10.0.0.1:6443,"
    )
    expect(asked).toBe(0)
    victim.close()
  })
})
