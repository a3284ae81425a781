import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { parseAppSpec } from "@maxcloud/config-schema"
import { Effect, Either, ManagedRuntime, Redacted } from "effect"
import {
  acme,
  layerTest,
  organizationOf,
  other,
  problemOf,
  resolveTest,
  specOf
} from "../../../test/images/testImages.ts"
import { type FakeTokenServer, startFakeTokenServer } from "../../../test/registry/fakeTokenServer.ts"
import { missingTools } from "../../../test/registry/missingTools.ts"
import {
  pushBlob,
  pushBuild,
  pushIndex,
  pushManifest,
  type Repository,
  types
} from "../../../test/registry/pushImage.ts"
import { startTestRegistry, type TestRegistry, testUser } from "../../../test/registry/testRegistry.ts"
import { Images } from "./Images.ts"
import { layerNone } from "./layerNone.ts"

const credentials = { username: testUser.username, password: Redacted.make(testUser.password) }
const basic = `Basic ${Buffer.from(`${testUser.username}:${testUser.password}`).toString("base64")}`
const withoutRegistry = missingTools("images in a real registry", "docker-registry").length > 0

describe.skipIf(withoutRegistry)("a public registry", () => {
  let registry: TestRegistry
  const repository = (name: string): Repository => ({ host: registry.host, name })
  const open = { insecureRegistries: [] as string[] }

  beforeAll(async () => {
    registry = await startTestRegistry()
    open.insecureRegistries.push(registry.host)
  })
  afterAll(() => registry?.[Symbol.asyncDispose]())

  for (const format of ["oci", "docker"] as const) {
    it(`returns the digest of an index, and the settings in its builds (${format})`, async () => {
      const builds = [
        { platform: "linux/arm64", user: "1000", exposed: ["9000/tcp"] },
        { platform: "linux/amd64", user: "1000:1000", exposed: ["3000/tcp"] }
      ]
      const { digest } = await pushIndex(repository(`acme/${format}`), "1", builds, format)
      const name = `${registry.host}/acme/${format}:1`
      const { images, problems } = await resolveTest([name], open)
      expect(problems).toEqual([])
      const reference = `${registry.host}/acme/${format}@${digest}`
      expect([...images]).toEqual([[name, { reference, nonRoot: true, port: 3000 }]])
      expect([...(await resolveTest([reference], open)).images.values()]).toEqual([...images.values()])
    })

    it(`returns the digest of a single build (${format})`, async () => {
      const { digest } = await pushBuild(repository(`one/${format}`), "latest", { platform: "linux/amd64" }, format)
      const { images } = await resolveTest([`${registry.host}/one/${format}`], open)
      expect([...images.values()]).toEqual([
        { reference: `${registry.host}/one/${format}@${digest}`, nonRoot: false, port: undefined }
      ])
    })
  }

  it("distinguishes a numeric user from root and from a name", async () => {
    const users = { a: "1", b: "0", c: "root", d: "app", e: "0:1000", f: "65534:0", g: "" }
    for (const [tag, user] of Object.entries(users)) {
      await pushBuild(repository("users"), tag, { platform: "linux/amd64", user })
    }
    const { images } = await resolveTest(
      Object.keys(users).map((tag) => `${registry.host}/users:${tag}`),
      open
    )
    expect([...images.values()].map((image) => image.nonRoot)).toEqual([true, false, false, false, false, true, false])
  })

  it("requires a numeric user if root is refused", async () => {
    const users = { number: "1000", root: "root", name: "app" }
    for (const [tag, user] of Object.entries(users)) {
      await pushBuild(repository("restricted"), tag, { platform: "linux/amd64", user })
    }
    const names = [...Object.keys(users).map((name) => `${registry.host}/restricted:${name}`), "dev.local/a:1"]
    const { problems } = await resolveTest(names, { ...open, podSecurity: "restricted" })
    expect(problems.map((problem) => problem.path[1])).toEqual([1, 2])
    expect(problems.map((problem) => problem.message)).toEqual(
      Array(2).fill(expect.stringMatching(/^RootRefused: .*USER 1000/))
    )
  })

  it("must run on every platform of the cluster", async () => {
    await pushIndex(repository("platforms"), "both", [
      { platform: "linux/amd64", user: "1" },
      { platform: "linux/arm64", user: "root" }
    ])
    await pushBuild(repository("platforms"), "arm", { platform: "linux/arm64" })
    await pushIndex(repository("platforms"), "arm-index", [
      { platform: "linux/arm64" },
      { platform: "unknown/unknown" }
    ])
    const on = (...platforms: ReadonlyArray<string>) => ({ ...open, platforms: () => Effect.succeed(platforms) })
    const [both, arm, armIndex] = ["both", "arm", "arm-index"].map((name) => `${registry.host}/platforms:${name}`)
    if (both === undefined || arm === undefined || armIndex === undefined) throw new Error("no names")
    const mixed = await resolveTest([both], on("linux/arm64", "linux/amd64"))
    expect([...mixed.images.values()].map((image) => image.nonRoot)).toEqual([false])
    expect(await problemOf(arm, on())).toMatch(
      /^WrongPlatform: .* is built for linux\/arm64, .* nodes of linux\/amd64\. /
    )
    expect(await problemOf(armIndex, open)).toContain("is built for linux/arm64, but")
    expect(await problemOf(armIndex, open)).toContain("--platform linux/amd64")
    expect(await problemOf(arm, on("linux/arm64"))).toBe("")
    expect(await problemOf(arm, on("linux/arm64", "linux/amd64"))).toContain("--platform linux/amd64,linux/arm64")
  })

  it("names the registry, the missing tag, and a similar one", async () => {
    await pushBuild(repository("acme/api"), "v1.4.2", { platform: "linux/amd64" })
    const named = (image: string) => `${registry.host}/${image}`
    const spec = specOf([named("acme/api:v1.4.2"), named("acme/api:v1.4.3"), named("acme/nothing")])
    const { problems } = await Effect.runPromise(
      Images.pipe(
        Effect.flatMap((found) => found.resolve(organizationOf(acme), spec)),
        Effect.provide(layerTest(open))
      )
    )
    expect(problems.map((problem) => problem.path)).toEqual([
      ["services", 1, "image"],
      ["services", 2, "image"]
    ])
    expect(problems[0]?.message).toBe(
      `ImageNotFound: ${registry.host} has no tag "v1.4.3" of acme/api. Did you mean "v1.4.2"?`
    )
    expect(problems[1]?.message).toMatch(/^ImageNotFound: .* no tag "latest" of acme\/nothing\./)
    expect(await problemOf(named("acme/api:production"), open)).toContain(`It has "v1.4.2".`)
    expect(await problemOf(named(`acme/api@sha256:${"0".repeat(64)}`), open)).toMatch(/^ImageNotFound: /)
  })

  it("refuses anything but a container image", async () => {
    const config = await pushBlob(repository("chart"), "{}")
    const document = { schemaVersion: 2, config: { mediaType: "application/vnd.cncf.helm.config.v1+json", ...config } }
    await pushManifest(repository("chart"), "1", { ...document, layers: [] }, types.manifest)
    expect(await problemOf(`${registry.host}/chart:1`, open)).toMatch(/^ImageInvalid: .*helm\.config/)
  })

  it("follows a tag that moves, at once", async () => {
    const name = `${registry.host}/moving:1`
    const runtime = ManagedRuntime.make(layerTest(open))
    const resolve = () =>
      runtime.runPromise(Effect.flatMap(Images, (images) => images.resolve(organizationOf(acme), specOf([name]))))
    await pushBuild(repository("moving"), "1", { platform: "linux/amd64", user: "1" })
    expect((await resolve()).images.get(name)?.nonRoot).toBe(true)
    await pushBuild(repository("moving"), "1", { platform: "linux/amd64", user: "0" })
    expect((await resolve()).images.get(name)?.nonRoot).toBe(false)
    await runtime.dispose()
  })
})

describe.skipIf(withoutRegistry)("a registry with users (Basic)", () => {
  let registry: TestRegistry
  let name: string

  beforeAll(async () => {
    registry = await startTestRegistry("users")
    name = `${registry.host}/acme/private:1`
    const to = { host: registry.host, name: "acme/private", authorization: basic }
    await pushBuild(to, "1", { platform: "linux/amd64" })
  })
  afterAll(() => registry?.[Symbol.asyncDispose]())

  it("shows its images only to an organization with credentials, even once they're cached", async () => {
    const runtime = ManagedRuntime.make(layerTest({ insecureRegistries: [registry.host] }, credentials))
    const spec = specOf([name])
    const resolve = (id: typeof acme) =>
      runtime.runPromise(Effect.flatMap(Images, (images) => images.resolve(organizationOf(id), spec)))
    const own = await resolve(acme)
    expect(own.problems).toEqual([])
    expect([...own.images.values()].map((image) => image.needsCredentials)).toEqual([true])
    const refused = (await resolve(other)).problems.map((problem) => problem.message)
    expect(refused).toEqual([expect.stringMatching(/^ImageUnauthorized: /)])
    expect(refused[0]).toContain(`maxcloud registries login ${registry.host}`)
    await runtime.dispose()
  })

  it("refuses a wrong password without quoting it", async () => {
    const wrong = { username: "puller", password: Redacted.make("hunter2") }
    const message = await problemOf(name, { insecureRegistries: [registry.host] }, wrong)
    expect(message).toMatch(/^ImageUnauthorized: .*the user "puller"/)
    expect(message).not.toContain("hunter2")
  })
})

describe.skipIf(withoutRegistry)("a registry with a token server", () => {
  let tokens: FakeTokenServer
  let registry: TestRegistry
  const open = () => ({ insecureRegistries: [registry.host, new URL(tokens.auth.realm).host] })

  beforeAll(async () => {
    tokens = await startFakeTokenServer()
    registry = await startTestRegistry(tokens.auth)
    for (const name of ["public/app", "private/app"]) {
      const authorization = `Bearer ${tokens.pushToken(name)}`
      await pushBuild({ host: registry.host, name, authorization }, "1", { platform: "linux/amd64" })
    }
  })
  afterAll(async () => {
    await registry?.[Symbol.asyncDispose]()
    await tokens?.[Symbol.asyncDispose]()
  })

  it("is asked with a token, once, and only for pulling", async () => {
    const before = tokens.asked.length
    expect(await problemOf(`${registry.host}/public/app:1`, open())).toBe("")
    expect(tokens.asked.slice(before)).toEqual([{ user: "anyone", scope: "repository:public/app:pull" }])
  })

  it("gives tokens only to permitted users", async () => {
    const name = `${registry.host}/private/app:1`
    expect(await problemOf(name, open(), credentials)).toBe("")
    expect(tokens.asked.at(-1)).toEqual({ user: testUser.username, scope: "repository:private/app:pull" })
    expect(await problemOf(name, open())).toMatch(/^ImageUnauthorized: .*without credentials/)
    const wrong = { username: testUser.username, password: Redacted.make("no") }
    expect(await problemOf(name, open(), wrong)).toMatch(/^ImageUnauthorized: .*refuses/)
  })
})

describe("images for which no registry is asked", () => {
  it("are used as they're written", async () => {
    const names = ["dev.local/hello:1", "ko.local/a", "kind.local/b:2", "cache.example:5000/c:3"]
    const { images, problems } = await resolveTest(names, { unresolvedRegistries: ["cache.example"] })
    expect(problems).toEqual([])
    expect([...images.values()]).toEqual(names.map((reference) => ({ reference, nonRoot: false, port: undefined })))
  })

  it("are refused if they're sources, which this runtime can't build", async () => {
    const spec = Either.getOrThrow(
      parseAppSpec({
        app: "shop",
        services: [
          { name: "built", source: "./built" },
          { name: "a", image: "dev.local/a:1" }
        ]
      })
    )
    const resolve = Effect.flatMap(Images, (images) => images.resolve(organizationOf(acme), spec))
    const { problems } = await Effect.runPromise(Effect.provide(resolve, layerTest({})))
    expect(problems).toEqual([
      {
        path: ["services", 0, "source"],
        message: expect.stringMatching(/^BuilderMissing: this server runs images only/)
      }
    ])
    expect(await Effect.runPromise(Effect.provide(resolve, layerNone))).toEqual({
      images: new Map(),
      problems: [],
      warnings: []
    })
  })
})
