import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { startTestProxy } from "../../../../sdk/test/testProxy.ts"
import { makeConnections } from "../../runtimes/kubeApi/connections.ts"
import { s3Store } from "../../stores/logs/s3Store.ts"
import { makeResend } from "../../tenancy/mail/resend.ts"

const names = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"] as const

describe("the server's own requests", () => {
  const before = names.map((name) => [name, process.env[name]] as const)
  const asked: Array<string> = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.headers.host}${request.url}`)
    response.setHeader("content-type", "application/json").end("{}")
  })
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-own-"))
  let proxy: Awaited<ReturnType<typeof startTestProxy>>
  beforeAll(async () => {
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
    const { port } = server.address() as AddressInfo
    proxy = await startTestProxy({
      credentials: "ada:hunter2",
      route: (host) => (/\.test$/.test(host) ? port : undefined)
    })
    for (const name of names) delete process.env[name]
    process.env["HTTP_PROXY"] = proxy.url
  })
  afterAll(async () => {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
    await proxy[Symbol.asyncDispose]()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it("go through the proxy: mail, a bucket, the cluster's API server", async () => {
    const message = { to: "ada@example.com", subject: "Hello", text: "Hello" }
    const resend = makeResend({ from: "cloud@example.com", apiKey: Redacted.make("re"), url: "http://resend.test" })
    await Effect.runPromise(resend.send(message, "mail-1"))
    const credentials = { accessKeyId: "id", secretAccessKey: "key" }
    await s3Store({ bucket: "logs", endpoint: "http://bucket.test", credentials }).put("a/b", Buffer.from("line"))
    const kubeconfig = join(folder, "kubeconfig.json")
    const named = { name: "c", cluster: { server: "http://cluster.test", "insecure-skip-tls-verify": true } }
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        ...{
          apiVersion: "v1",
          kind: "Config",
          "current-context": "c",
          clusters: [named],
          users: [{ name: "c", user: {} }]
        },
        contexts: [{ name: "c", context: { cluster: "c", user: "c" } }]
      })
    )
    const connected = makeConnections({ type: "file", path: kubeconfig }, 2)
    const status = await Effect.runPromise(
      Effect.scoped(
        Effect.flatMap(connected, (connections) =>
          Effect.promise(async () => {
            const { requests } = connections.now()
            const { body, statusCode } = await requests.request({
              origin: "http://cluster.test",
              path: "/version",
              method: "GET"
            })
            await body.dump()
            return statusCode
          })
        )
      )
    )
    expect(status).toBe(200)
    expect(asked.map((each) => each.replace(/\?.*/, ""))).toStrictEqual([
      "POST resend.test/emails",
      "PUT bucket.test/logs/a/b",
      "GET cluster.test/version"
    ])
    expect(proxy.asked.length).toBe(3)
  })

  it("are only made by code that supports proxies", () => {
    const source = join(import.meta.dirname, "../..")
    /**
     * Exceptions: requests to instances on this machine, to pods from inside the cluster, and the proxied ones
     * themselves.
     */
    const direct =
      /^(base\/outbound|base\/proxy|stores\/images\/registry\/exchange|runtimes\/network\/probe|runtimes\/local\/instances\/probe)/
    const files = globSync("**/*.ts", { cwd: source }).filter((file) => !/test/i.test(file) && !direct.test(file))
    expect(files.length).toBeGreaterThan(200)
    for (const file of files) {
      const text = readFileSync(join(source, file), "utf8")
      if (/(?<![.\w])fetch\(/.test(text)) expect(text, file).toMatch(/proxiedFetch|dispatcher/)
      expect(text, file).not.toMatch(/import \{[^}]*\brequest\b[^}]*\} from "node:https?"/)
    }
  })
})
