import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { makeBaseLayout } from "../../server/test/images/baseLayout.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { pushBlob, pushManifest, types } from "../../server/test/registry/pushImage.ts"
import { startTestRegistry, type TestRegistry } from "../../server/test/registry/testRegistry.ts"
import { run } from "./cli.ts"

const missing = missingTools("images from sources", "busybox", "docker-registry")

describe.skipIf(missing.length > 0)("maxcloud build", () => {
  let base: string
  let registry: TestRegistry
  // As root, builds run as another user.
  const cache = temporaryFolder("build-cache-")
  chmodSync(cache, 0o711)

  const build = (folder: string, ...args: ReadonlyArray<string>) =>
    run(["build", ...args], { cwd: folder, env: { XDG_CACHE_HOME: cache } })
  const built = async (folder: string, ...args: ReadonlyArray<string>) => {
    const { code, stderr, stdout } = await build(folder, "--json", ...args)
    expect(code, stderr).toBe(0)
    return JSON.parse(stdout)
  }
  const appIn = (files: Readonly<Record<string, string>>) => {
    const folder = temporaryFolder("build-app-")
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    return folder
  }
  const shop = {
    "web/package.json": '{"name":"web","version":"1.0.0","scripts":{"start":"node server.js"}}',
    "web/server.js": "serve()",
    "web/.env": "SECRET=1",
    "maxcloud.config.yaml":
      "app: shop\nservices:\n  - name: web\n    source: { path: ./web }\n    command: [node, --no-warnings]\n    args: [other.js]\n    port: 3000\n  - { name: db, image: 'postgres:18' }\n"
  }

  beforeAll(async () => {
    base = await makeBaseLayout({ stubs: ["node"] })
    registry = await startTestRegistry()
  }, 120_000)
  afterAll(() => registry?.[Symbol.asyncDispose]())

  it("writes an image that says how it starts, and tells what it did", async () => {
    const app = appIn(shop)
    const { code, stderr, stdout } = await build(app, "web", "--base", `oci:${base}:base`, "--output", "oci:image:v1")
    expect(code, stderr).toBe(0)
    expect(stdout).toMatch(/^image +oci:\S+\/image:v1\ndigest +sha256:[0-9a-f]{64}\n/)
    expect(stdout).toMatch(/^starts with +node server.js$/m)
    expect(stdout).toMatch(/^as +user 65532:65532, PORT=8080$/m)
    expect(stderr).toContain("left out as secret: .env")
    expect(stderr).toContain("Packing code: 2 files")
    const inspected = JSON.parse(readFileSync(join(app, "image/index.json"), "utf8"))
    expect(inspected.manifests[0].annotations).toStrictEqual({ "org.opencontainers.image.ref.name": "v1" })
    expect(readdirSync(join(cache, "maxcloud/builds"))).toStrictEqual(["dependencies"])
  })

  it("gives the same digest for the same source, and builds a service with the config's settings", async () => {
    const at = (folder: string) => ["--base", `oci:${base}`, "--output", `oci:${folder}`]
    const [one, two] = [appIn(shop), appIn(shop)]
    const first = await built(one, "--service", "web", ...at("a"))
    expect(first).toMatchObject({
      kind: "Node.js",
      port: 3000,
      entrypoint: ["node", "--no-warnings", "other.js"],
      output: expect.stringMatching(/^oci:\S+\/a:latest$/)
    })
    expect((await built(two, "--service", "web", ...at("b"))).digest).toBe(first.digest)
    const flags = await built(two, "web", ...at("b"), "--port", "1", "--command", "node 'a b.js'")
    expect(flags).toMatchObject({ port: 1, entrypoint: ["node", "a b.js"] })
    expect(flags.digest).not.toBe(first.digest)
  })

  it("takes the base from a registry, and says by which digest", async () => {
    const to = { host: registry.host, name: "base/node" }
    const blobOf = (digest: string) => readFileSync(join(base, "blobs", ...digest.split(":")))
    const { manifests } = JSON.parse(readFileSync(join(base, "index.json"), "utf8"))
    const manifest = JSON.parse(blobOf(manifests[0].digest).toString())
    for (const { digest } of [manifest.config, ...manifest.layers]) await pushBlob(to, blobOf(digest))
    await pushManifest(to, "24", manifest, types.manifest)
    const app = appIn(shop)
    const name = `${registry.host}/base/node:24`
    const image = await built(app, "web", "--base", name, "--output", "oci:image")
    expect(image.base).toStrictEqual({ name, digest: manifests[0].digest })
    const other = await build(app, "web", "--base", `${registry.host}/base/node:25`, "--output", "oci:image")
    expect(other.code).toBe(2)
    expect(other.stderr).toMatch(/no tag "25" of base\/node. Did you mean "24"/)
    await registry.removeBlob(manifest.layers[0].digest)
    const gone = await build(app, "web", "--base", name, "--output", "oci:image2")
    expect(gone.code).not.toBe(0)
    expect(JSON.parse(readFileSync(join(app, "image2/index.json"), "utf8")).manifests).toStrictEqual([])
    const away = await build(app, "web", "--base", "127.0.0.1:1/base:1", "--output", "oci:image")
    expect(away.code).toBe(3)
  })

  it.runIf(process.getuid?.() === 0)("says which folder the user of builds can't enter", async () => {
    const app = appIn(shop)
    const args = ["build", "web", "--base", `oci:${base}`, "--output", "oci:image"]
    const { code, stderr } = await run(args, { cwd: app, env: { XDG_CACHE_HOME: temporaryFolder("closed-") } })
    expect(stderr).toMatch(/builds run as another user, who can't enter \/\S*closed-\S+\. .*XDG_CACHE_HOME/)
    expect(code).toBe(1)
  })

  it("says what's wrong and how to fix it", async () => {
    const app = appIn({
      ...shop,
      "docker/Dockerfile": "FROM scratch",
      "broken/package.json": '{"scripts":{"build":"exit 3","start":"node a"}}'
    })
    const on = ["--base", `oci:${base}`, "--output", "oci:image"]
    const cases: ReadonlyArray<readonly [ReadonlyArray<string>, number, RegExp]> = [
      [["web"], 2, /no output given\n.*--output oci:FOLDER/],
      [["web", "--output", "docker:x"], 2, /"docker:x" isn't an output that build can write/],
      [["web", "--service", "web", ...on], 2, /PATH and --service can't be combined/],
      [["--service", "db", ...on], 2, /shop has no service "db" with a source\n.*use one of web/],
      [["web", ...on, "--port", "0"], 2, /0 isn't a port/],
      [["gone", ...on], 2, /doesn't exist/],
      [["docker", ...on], 1, /has a Dockerfile.*podman build/],
      [["broken", ...on], 1, /exit code 3/],
      [["web", "--base", "oci:web", "--output", "oci:image"], 1, /isn't an OCI layout/],
      [["web", "--base", `oci:${base}`, "--output", "oci:web"], 1, /has other files/]
    ]
    for (const [args, expected, text] of cases) {
      const { code, stderr } = await build(app, ...args)
      expect(stderr, args.join(" ")).toMatch(text)
      expect(code, args.join(" ")).toBe(expected)
    }
  })
})
