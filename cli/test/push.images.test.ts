import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import type { IncomingMessage, ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { KeyScope } from "@maxcloud/sdk/api"
import { startAnsweringProxy } from "../../oci/test/faultyProxy.ts"
import { dockerArchive, makeLayout, randomLayer, writeLayout } from "../../oci/test/testLayout.ts"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { registryIssuer } from "../../server/src/stores/registry/RegistryTokens.ts"
import { freePort } from "../../server/test/freePort.ts"
import { missingTools, type RegistryProgram } from "../../server/test/registry/missingTools.ts"
import { startTestRegistry, type TestRegistry } from "../../server/test/registry/testRegistry.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { makeFolder, run } from "./cli.ts"

const tokens: Readonly<Record<RegistryProgram, (folder: string) => object>> = {
  "docker-registry": (folder) => ({ rootcertbundle: join(folder, "keys.pem") }),
  registry: (folder) => ({ jwks: join(folder, "keys.json"), signingalgorithms: ["ES256"] })
}

describe.each<RegistryProgram>(["docker-registry", "registry"])(
  "maxcloud push, to CNCF Distribution (%s)",
  (program) => {
    const missing = missingTools("maxcloud push", "skopeo", program)
    let server: ServerProcess
    let registry: TestRegistry
    let front: Awaited<ReturnType<typeof startAnsweringProxy>>
    let refusing: { readonly status: number; readonly headers: Readonly<Record<string, string>> } | undefined
    const refuse = (_: IncomingMessage, response: ServerResponse) => {
      if (refusing !== undefined) response.writeHead(refusing.status, refusing.headers).end()
      return refusing !== undefined
    }
    let folder: string
    let organization: string
    const env = (more: Readonly<Record<string, string>> = {}) => ({
      MAXCLOUD_API_URL: server.url,
      XDG_CACHE_HOME: join(folder, "cache"),
      PATH: "/nowhere",
      ...more
    })
    const maxcloud = (args: ReadonlyArray<string>, more?: Readonly<Record<string, string>>) =>
      run(args, { cwd: folder, env: env(more) })

    const layoutOf = async (layers: ReadonlyArray<Buffer>, architecture = "amd64") => {
      const layout = makeLayout()
      const image = await layout.image(layers, { architecture })
      layout.list(image, "1.4")
      return { ...image, path: writeLayout(temporaryFolder("maxcloud-oci-"), layout) }
    }
    /** The digest that skopeo finds with a key that may pull. */
    const found = async (name: string) => {
      const token = readFileSync(join(server.dataDirectory, "local-token"), "utf8").trim()
      const { stdout } = await promisify(execFile)("skopeo", [
        "inspect",
        "--tls-verify=false",
        "--creds",
        `me:${token}`,
        "--format",
        "{{.Digest}}",
        `docker://${registry.host}/${name}`
      ])
      return stdout.trim()
    }

    beforeAll(async () => {
      if (missing.length > 0) return
      folder = makeFolder({})
      // The server and the registry name each other, so this address is known first.
      front = await startAnsweringProxy(() => registry.host, refuse)
      server = new ServerProcess(await freePort(), { REGISTRY_URL: front.host })
      await server.start()
      const keys = mkdtempSync(join(tmpdir(), "registry-keys-"))
      const published = await server.client.registry.keys()
      const pem = published.keys.map(({ x5c }) => `-----BEGIN CERTIFICATE-----\n${x5c[0]}\n-----END CERTIFICATE-----\n`)
      writeFileSync(join(keys, "keys.pem"), pem.join(""))
      writeFileSync(join(keys, "keys.json"), JSON.stringify(published))
      const realm = `${server.url}/api/v1/registry/token`
      registry = await startTestRegistry(
        { realm, service: front.host, issuer: registryIssuer, ...tokens[program](keys) },
        program
      )
      rmSync(keys, { recursive: true })
      organization = (await server.client.organization.get()).id
    })
    afterAll(async () => {
      if (missing.length > 0) return
      await server.end("SIGTERM")
      server.remove()
      await front[Symbol.asyncDispose]()
      await registry[Symbol.asyncDispose]()
    })
    const real = it.skipIf(missing.length > 0)

    real("prints the image and its digest, and others find it there", async () => {
      const { digest, path } = await layoutOf([await randomLayer("a", 200_000), await randomLayer("b", 100_000)])
      const pushed = await maxcloud(["push", path, "--name", "shop"])
      const image = `${front.host}/${organization}/shop:1.4`
      expect(pushed.stdout).toBe(`image   ${image}\ndigest  ${digest}\n`)
      // Quiet without a terminal: no bars, only the summary.
      expect(pushed.stderr).toMatch(/^3 layers pushed \([\d.]+ KiB\), 0 existed already\n$/)
      expect(pushed.code).toBe(0)
      expect(await found(`${organization}/shop:1.4`)).toBe(digest)

      const again = await maxcloud(["push", `oci:${path}:1.4`, "--name", "shop", "--tag", "next", "--json"])
      expect(JSON.parse(again.stdout)).toStrictEqual({
        pushed: {
          image: `${front.host}/${organization}/shop:next`,
          digest,
          pinned: `${front.host}/${organization}/shop@${digest}`,
          platforms: ["linux/amd64"],
          layers: { uploaded: 0, uploadedBytes: 0, existing: 3, mounted: 0 }
        }
      })
      expect(await found(`${organization}/shop:next`)).toBe(digest)
    })

    real("mounts the layers that another app of the organization has", async () => {
      const { digest, path } = await layoutOf([await randomLayer("a", 100_000)])
      await maxcloud(["push", path, "--name", "first"])
      const second = await maxcloud(["push", path, "--name", "second", "--json"])
      expect(JSON.parse(second.stdout).pushed.layers).toStrictEqual({
        uploaded: 0,
        uploadedBytes: 0,
        existing: 0,
        mounted: 2
      })
      expect(await found(`${organization}/second:1.4`)).toBe(digest)
    })

    real("compresses an unchanged archive once", async () => {
      const file = join(folder, "image.tar")
      writeFileSync(file, await dockerArchive([await randomLayer("a", 100_000)]))
      const [first, second] = [
        await maxcloud(["push", file, "--name", "archive", "--json"]),
        await maxcloud(["push", file, "--name", "archive", "--json"])
      ]
      expect(JSON.parse(second.stdout).pushed.digest).toBe(JSON.parse(first.stdout).pushed.digest)
      const memory = JSON.parse(readFileSync(join(folder, "cache/maxcloud/push.json"), "utf8"))
      expect(Object.keys(memory.layers)).toHaveLength(1)
      // A damaged memory only costs time.
      writeFileSync(join(folder, "cache/maxcloud/push.json"), '{"layers":{"x":{"digest":"../../etc/passwd"}}}')
      const third = await maxcloud(["push", file, "--name", "archive", "--json"])
      expect(JSON.parse(third.stdout).pushed).toMatchObject({ digest: JSON.parse(first.stdout).pushed.digest })
    })

    real("works with a key that may deploy the app, and no other key", async () => {
      const { path } = await layoutOf([await randomLayer("a", 1_000)])
      const keyFor = async (name: string, scope: string) =>
        (await server.client.auth.apiKeys.create({ name, role: "deployer", scopes: [KeyScope.make(scope)] })).secret
      const push = (app: string, key: string) => maxcloud(["push", path, "--name", app], { MAXCLOUD_API_KEY: key })
      const key = await keyFor("one", "deploy:keyed/production")
      expect(await push("keyed", key)).toMatchObject({ code: 0 })
      const refused = await push("other", key)
      expect(refused).toMatchObject({ code: 4, stdout: "" })
      expect(refused.stderr).toMatch(/^error: the registry \S+ refuses .*\nfix: check that your role may deploy/)
      expect((await push("keyed", await keyFor("two", "read:keyed/production"))).code).toBe(4)
    })

    real("says what it can't push, and how to fix it", async () => {
      const { path } = await layoutOf([await randomLayer("a", 1_000)])
      const said = async (...args: ReadonlyArray<string>) => {
        const { code, stderr, stdout } = await maxcloud(["push", ...args])
        expect(stdout).toBe("")
        return `${code} ${stderr}`
      }
      expect(await said(path)).toMatch(/^2 error: no app named\nfix: write --name APP/)
      expect(await said(path, "--name", "Shop!")).toMatch(/^2 error: /)
      expect(await said(path, "--name", "shop", "--tag", "a b")).toMatch(
        /^2 error: --tag "a b" isn't a valid tag\nfix: /
      )
      expect(await said(path, "--name", "shop", "--platform", "arm")).toMatch(/^2 error: --platform "arm"/)
      expect(await said(path, "--name", "shop", "--platform", "linux/arm64")).toMatch(
        /^5 error: .*no build for linux\/arm64/
      )
      expect(await said(`oci:${path}:9`, "--name", "shop")).toMatch(
        /^5 error: .*no image with the tag 9\nfix: .*It has 1\.4/
      )
      expect(await said("app:1", "--name", "shop")).toMatch(/^1 error: app:1 can't be read: neither podman nor docker/)
      expect(await said("./none.tar", "--name", "shop")).toMatch(/^5 error: \.\/none\.tar doesn't exist/)
    })

    real("ends as a passing failure if the registry is unreachable, and continues when it's back", async () => {
      const { digest, path } = await layoutOf([await randomLayer("a", 100_000)])
      const busy = { status: 429, headers: { "retry-after": "3600" } }
      refusing = busy
      const failed = await maxcloud(["push", path, "--name", "later"])
      expect(failed).toMatchObject({ code: 3, stdout: "" })
      expect(failed.stderr).toMatch(/^error: the registry \S+ limits requests/)
      refusing = undefined
      expect(await maxcloud(["push", path, "--name", "later"])).toMatchObject({ code: 0 })
      expect(await found(`${organization}/later:1.4`)).toBe(digest)
    })
  }
)
