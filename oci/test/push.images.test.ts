import { execFile, spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Either } from "effect"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { buildBusyboxImage } from "../../server/test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../server/test/registry/testRegistry.ts"
import type { Authorize } from "../src/index.ts"
import { startFakeRegistry } from "./fakeRegistry.ts"
import { startAnsweringProxy, startCuttingProxy } from "./faultyProxy.ts"
import { pushForTest } from "./pushForTests.ts"
import { digestOf, dockerArchive, makeLayout, randomLayer, writeLayout } from "./testLayout.ts"

const run = promisify(execFile)
const mebibyte = 1024 * 1024

const missing = missingTools("pushing images", "podman", "skopeo", "docker-registry")

const basic: Authorize = () =>
  Effect.succeed({
    authorization: `Basic ${Buffer.from(`${testUser.username}:${testUser.password}`).toString("base64")}`,
    validForMs: 300_000
  })

/** A layout with these layers. */
const layoutOf = async (...layers: ReadonlyArray<Buffer>) => {
  const layout = makeLayout()
  const image = await layout.image(layers)
  layout.list(image, "1")
  return { ...image, path: writeLayout(temporaryFolder("maxcloud-oci-"), layout) }
}

/** What somebody else's client finds and verifies: every layer is downloaded, and its digest compared. */
const pulled = async (reference: string, creds?: string) => {
  const as = creds === undefined ? [] : ["--src-creds", creds]
  await run("skopeo", [
    "copy",
    "--quiet",
    "--src-tls-verify=false",
    ...as,
    `docker://${reference}`,
    `dir:${temporaryFolder("maxcloud-oci-")}`
  ])
  const own = creds === undefined ? [] : ["--creds", creds]
  const { stdout } = await run("skopeo", [
    "inspect",
    "--tls-verify=false",
    ...own,
    "--format",
    "{{.Digest}}",
    `docker://${reference}`
  ])
  return stdout.trim()
}

const digestIn = (result: Awaited<ReturnType<typeof pushForTest>>) =>
  Either.getOrThrowWith(result, (error) => new Error(error.message)).digest
const outcomesIn = (result: Awaited<ReturnType<typeof pushForTest>>) =>
  Either.getOrThrowWith(result, (error) => new Error(error.message)).outcomes.toSorted()
const failureIn = (result: Awaited<ReturnType<typeof pushForTest>>) =>
  Either.match(result, { onLeft: ({ message, reason }) => `${reason}: ${message}`, onRight: () => "pushed" })

describe.skipIf(missing.length > 0)("a push", () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startTestRegistry()
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  it("of a layout is what other clients pull, with its own digest", async () => {
    const { digest, path } = await layoutOf(await randomLayer("a", 100_000), await randomLayer("b", 200_000))
    const result = await pushForTest({ from: path, host: registry.host, repository: "a/layout" })
    expect(digestIn(result)).toBe(digest)
    expect(await pulled(`${registry.host}/a/layout:1`)).toBe(digest)
  })

  it("sends nothing again that the registry has, and mounts what another repository has", async () => {
    const layers = [await randomLayer("a", 100_000), await randomLayer("b", 100_000)]
    const { path } = await layoutOf(...layers)
    const push = (repository: string, mountable: ReadonlyArray<string> = []) =>
      pushForTest({ from: path, host: registry.host, repository, mountable })
    expect(outcomesIn(await push("m/first"))).toStrictEqual(["uploaded", "uploaded", "uploaded"])
    expect(outcomesIn(await push("m/first"))).toStrictEqual(["exists", "exists", "exists"])
    expect(outcomesIn(await push("m/second", ["m/none", "m/first"]))).toStrictEqual(["mounted", "mounted", "mounted"])
    expect(await pulled(`${registry.host}/m/second:1`)).toMatch(/^sha256:/)
  })

  it("of an index brings all of its builds, or the chosen one", async () => {
    const layout = makeLayout()
    const amd = { ...(await layout.image([await randomLayer("a", 1000)])), architecture: "amd64" }
    const arm = {
      ...(await layout.image([await randomLayer("b", 1000)], { architecture: "arm64" })),
      architecture: "arm64"
    }
    const index = layout.index([amd, arm])
    layout.list(index, "1", "index")
    const from = writeLayout(temporaryFolder("maxcloud-oci-"), layout)
    expect(digestIn(await pushForTest({ from, host: registry.host, repository: "i/all" }))).toBe(index.digest)
    await run("skopeo", [
      "copy",
      "--quiet",
      "--all",
      "--src-tls-verify=false",
      `docker://${registry.host}/i/all:1`,
      `dir:${temporaryFolder("maxcloud-oci-")}`
    ])
    expect(
      digestIn(await pushForTest({ from, host: registry.host, repository: "i/one", platform: "linux/arm64" }))
    ).toBe(arm.digest)
    expect(await pulled(`${registry.host}/i/one@${arm.digest}`)).toBe(arm.digest)
  })

  it("brings the documents about an image along, under their tag", async () => {
    const layout = makeLayout()
    const image = await layout.image([await randomLayer("a", 1000)])
    layout.list(image, "1")
    const bill = layout.putJson({ bomFormat: "CycloneDX" })
    const about = layout.putJson({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.empty.v1+json", ...layout.put("{}") },
      layers: [{ mediaType: "application/vnd.cyclonedx+json", ...bill }],
      subject: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: image.digest, size: image.size }
    })
    const tag = image.digest.replace(":", "-")
    layout.list(layout.index([{ ...about, architecture: "amd64" }]), tag, "index")
    const from = writeLayout(temporaryFolder("maxcloud-oci-"), layout)
    expect(digestIn(await pushForTest({ from, host: registry.host, repository: "a/bill" }))).toBe(image.digest)
    const { stdout } = await run("skopeo", [
      "inspect",
      "--raw",
      "--tls-verify=false",
      `docker://${registry.host}/a/bill:${tag}`
    ])
    expect(stdout).toContain(about.digest)
    const found = await fetch(`http://${registry.host}/v2/a/bill/blobs/${bill.digest}`)
    expect(await found.text()).toBe('{"bomFormat":"CycloneDX"}')
  })

  it("of podman's image runs again after a pull, from its program, its socket and a saved archive", async () => {
    const tag = `localhost/maxcloud-push:${process.pid}`
    const folder = temporaryFolder("maxcloud-oci-")
    const socket = join(folder, "podman.sock")
    await buildBusyboxImage(tag, { lines: ['CMD ["echo", "hello from the image"]'] })
    const service = spawn("podman", ["system", "service", "--time=0", `unix://${socket}`], { stdio: "ignore" })
    try {
      await run("podman", ["save", "--quiet", "--output", join(folder, "image.tar"), tag])
      const { host } = registry
      const digests = [
        digestIn(await pushForTest({ from: join(folder, "image.tar"), host, repository: "p/archive" })),
        digestIn(
          await pushForTest({
            from: tag,
            host,
            repository: "p/program",
            environment: {
              PATH: process.env["PATH"],
              HOME: process.env["HOME"],
              CONTAINERS_CONF: process.env["CONTAINERS_CONF"]
            }
          })
        ),
        digestIn(
          await pushForTest({
            from: tag,
            host,
            repository: "p/socket",
            environment: { CONTAINER_HOST: `unix://${socket}` }
          })
        )
      ]
      expect(new Set(digests).size).toBe(1)
      const absent = await pushForTest({
        from: "localhost/none:1",
        host,
        repository: "p/x",
        environment: { CONTAINER_HOST: `unix://${socket}` }
      })
      expect(failureIn(absent)).toMatch(/^missing: there's no image localhost\/none:1 on this machine/)
      await run("podman", ["image", "rm", "--force", tag])
      const reference = `${host}/p/socket:1`
      const { stdout } = await run("podman", ["run", "--rm", "--tls-verify=false", "--network=none", reference])
      expect(stdout).toBe("hello from the image\n")
      await run("podman", ["image", "rm", "--force", reference])
    } finally {
      service.kill()
      await run("podman", ["image", "rm", "--force", "--ignore", tag])
    }
  }, 180_000)

  it("of an image that its manifest doesn't describe is refused before there's a tag", async () => {
    const layout = makeLayout()
    const image = await layout.image([await randomLayer("a", 300_000)])
    layout.list(image, "1")
    const name = `blobs/${image.layers[0]?.replace(":", "/")}`
    const damaged = Buffer.from(layout.files.get(name) ?? "")
    damaged[100_000] = (damaged[100_000] ?? 0) ^ 1
    layout.files.set(name, damaged)
    const from = writeLayout(temporaryFolder("maxcloud-oci-"), layout)
    expect(failureIn(await pushForTest({ from, host: registry.host, repository: "a/damaged" }))).toMatch(
      /^invalid: .*is damaged/
    )
    expect((await fetch(`http://${registry.host}/v2/a/damaged/manifests/1`)).status).toBe(404)
  })

  it("of one tag by two clients at once leaves one of the two", async () => {
    const shared = await randomLayer("base", 3 * mebibyte)
    const [one, other] = [
      await layoutOf(shared, await randomLayer("a", mebibyte)),
      await layoutOf(shared, await randomLayer("b", mebibyte))
    ]
    const results = await Promise.all(
      [one, other].map(({ path }) => pushForTest({ from: path, host: registry.host, repository: "a/race" }))
    )
    expect(results.map(digestIn)).toStrictEqual([one.digest, other.digest])
    expect([one.digest, other.digest]).toContain(await pulled(`${registry.host}/a/race:1`))
  })

  it("to a registry with users needs the right password", async () => {
    const closed = await startTestRegistry("users")
    try {
      const { digest, path } = await layoutOf(await randomLayer("a", 1000))
      const push = (authorize: Authorize) =>
        pushForTest({ from: path, host: closed.host, repository: "a/private", authorize })
      const wrong: Authorize = () =>
        Effect.succeed({ authorization: `Basic ${Buffer.from("puller:no").toString("base64")}`, validForMs: 1_000 })
      expect(failureIn(await push(wrong))).toMatch(/^refused: .*HTTP 401/)
      expect(digestIn(await push(basic))).toBe(digest)
      expect(await pulled(`${closed.host}/a/private:1`, `${testUser.username}:${testUser.password}`)).toBe(digest)
    } finally {
      await closed[Symbol.asyncDispose]()
    }
  })
})

describe.skipIf(missing.length > 0)("a push continues", () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startTestRegistry()
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  it("after a connection is cut in the middle of a layer", async () => {
    const { digest, path } = await layoutOf(await randomLayer("a", 30 * mebibyte))
    await using proxy = await startCuttingProxy(registry.host, [10 * mebibyte, 8 * mebibyte])
    expect(digestIn(await pushForTest({ from: path, host: proxy.host, repository: "c/cut" }))).toBe(digest)
    expect(proxy.cut()).toBe(2)
    expect(await pulled(`${registry.host}/c/cut:1`)).toBe(digest)
  })

  it("where it was, if the registry keeps what it got", async () => {
    const { path } = await layoutOf(await randomLayer("a", 30 * mebibyte))
    await using fake = await startFakeRegistry(10 * mebibyte)
    digestIn(await pushForTest({ from: path, host: fake.host, repository: "c/range" }))
    const resumed = fake.ranges.find((range) => !range.startsWith("0-"))
    expect(Number(resumed?.split("-")[0])).toBeGreaterThanOrEqual(10 * mebibyte)
    // The whole layer and the configuration, once.
    expect(fake.received()).toBeLessThan(31 * mebibyte)
  })

  it("at the next part of a layer, if one was refused", async () => {
    const { digest, path } = await layoutOf(await randomLayer("a", 150 * mebibyte))
    const offsets: Array<string> = []
    let refusals = 0
    await using proxy = await startAnsweringProxy(registry.host, (incoming, response) => {
      if (incoming.method !== "PATCH") return false
      const range = String(incoming.headers["content-range"])
      offsets.push(range.split("-")[0] ?? "")
      if (!range.startsWith(String(64 * mebibyte)) || refusals++ > 0) return false
      response.writeHead(503, { connection: "close" }).end()
      return true
    })
    expect(digestIn(await pushForTest({ from: path, host: proxy.host, repository: "c/part" }))).toBe(digest)
    expect(offsets.filter((offset) => offset === String(64 * mebibyte))).toHaveLength(2)
    expect(offsets.filter((offset) => offset === "0").length).toBeLessThanOrEqual(2)
  })

  it("after the registry is killed during an upload and started again", async () => {
    const { digest, path } = await layoutOf(
      await randomLayer("a", 60 * mebibyte),
      await randomLayer("b", 10 * mebibyte)
    )
    let killed: Promise<void> | undefined
    const result = await pushForTest({
      from: path,
      host: registry.host,
      repository: "c/killed",
      onEvent: (event) => {
        if (event._tag === "sent" && event.bytes > 15 * mebibyte) killed ??= registry.restart()
      }
    })
    expect(killed).toBeDefined()
    expect(digestIn(result)).toBe(digest)
    expect(await pulled(`${registry.host}/c/killed:1`)).toBe(digest)
  })

  it("after 503, 429 with Retry-After, and 500, in every request", async () => {
    const { digest, path } = await layoutOf(await randomLayer("a", mebibyte))
    const failed = new Map<string, number>()
    const times: Array<number> = []
    await using proxy = await startAnsweringProxy(registry.host, (incoming, response) => {
      const key = `${incoming.method} ${incoming.url?.replace(/[?].*|uploads.*/g, "")}`
      const count = (failed.get(key) ?? 0) + 1
      failed.set(key, count)
      if (key.includes("manifests")) times.push(performance.now())
      if (count > 3) return false
      incoming.resume()
      incoming.on("end", () => {
        if (count === 2) response.writeHead(429, { "retry-after": "1" }).end()
        else response.writeHead(count === 1 ? 503 : 500).end()
      })
      return true
    })
    const result = await pushForTest({ from: path, host: proxy.host, repository: "c/503" })
    expect(digestIn(result)).toBe(digest)
    expect((times[2] ?? 0) - (times[1] ?? 0)).toBeGreaterThan(950)
    expect(await pulled(`${registry.host}/c/503:1`)).toBe(digest)
  })

  it("with a new token when the old one expires in the middle of a layer", async () => {
    const { digest, path } = await layoutOf(await randomLayer("a", 150 * mebibyte))
    // Stands in for a registry that checks tokens, whose real ones live longer than a test.
    let valid = 0
    let uses = 0
    await using proxy = await startAnsweringProxy(registry.host, (incoming, response) => {
      const isGood = incoming.headers.authorization === `Bearer ${valid}`
      if (isGood && incoming.method === "PATCH") uses++
      if (isGood && uses === 2) {
        valid++
        uses = 10
      } else if (isGood) return false
      response
        .writeHead(401, {
          "www-authenticate": 'Bearer realm="http://127.0.0.1/token",service="s"',
          connection: "close"
        })
        .end()
      return true
    })
    const scopes: Array<ReadonlyArray<string>> = []
    const authorize: Authorize = (_, asked) => {
      scopes.push(asked)
      return Effect.succeed({ authorization: `Bearer ${valid}`, validForMs: 3_600_000 })
    }
    const result = await pushForTest({ from: path, host: proxy.host, repository: "c/token", authorize })
    expect(digestIn(result)).toBe(digest)
    expect(scopes).toStrictEqual([["repository:c/token:pull,push"], ["repository:c/token:pull,push"]])
    expect(await pulled(`${registry.host}/c/token:1`)).toBe(digest)
  })

  it("no longer than it makes sense, and says why", async () => {
    const { path } = await layoutOf(await randomLayer("a", 1000))
    await using limited = await startAnsweringProxy(registry.host, (_, response) => {
      response.writeHead(429, { "retry-after": "3600" }).end()
      return true
    })
    expect(failureIn(await pushForTest({ from: path, host: limited.host, repository: "c/x" }))).toMatch(
      /^away: .*limits requests/
    )
    await using other = await startAnsweringProxy(registry.host, (_, response) => {
      response.writeHead(418).end("<html>")
      return true
    })
    expect(failureIn(await pushForTest({ from: path, host: other.host, repository: "c/x" }))).toMatch(
      /^registry: .*HTTP 418/
    )
  })

  it("after the registry has stored other bytes than it got, from the start", async () => {
    const { digest, path } = await layoutOf(await randomLayer("a", mebibyte))
    let once = true
    await using proxy = await startAnsweringProxy(registry.host, (incoming, response) => {
      if (incoming.method !== "PUT" || !incoming.url?.includes("uploads") || !once) return false
      once = false
      response.writeHead(400, { "content-type": "application/json" }).end('{"errors":[{"code":"DIGEST_INVALID"}]}')
      return true
    })
    expect(digestIn(await pushForTest({ from: path, host: proxy.host, repository: "c/mixed" }))).toBe(digest)
    expect(await pulled(`${registry.host}/c/mixed:1`)).toBe(digest)
  })
})

describe.skipIf(missing.length > 0)("a push of a large archive", () => {
  it("compresses its layers to what the registry verifies", async () => {
    const registry = await startTestRegistry()
    try {
      const layer = await randomLayer("a", 5 * mebibyte)
      const file = join(temporaryFolder("maxcloud-oci-"), "image.tar")
      writeFileSync(file, await dockerArchive([layer, layer]))
      const digest = digestIn(await pushForTest({ from: file, host: registry.host, repository: "d/archive" }))
      expect(await pulled(`${registry.host}/d/archive:1`)).toBe(digest)
      const { stdout } = await run("skopeo", [
        "inspect",
        "--config",
        "--raw",
        "--tls-verify=false",
        `docker://${registry.host}/d/archive:1`
      ])
      expect(JSON.parse(stdout).rootfs.diff_ids).toStrictEqual([digestOf(layer), digestOf(layer)])
    } finally {
      await registry[Symbol.asyncDispose]()
    }
  })
})
