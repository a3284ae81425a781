import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { deadPort, privateAuthority, startTestProxy } from "../../../../sdk/test/testProxy.ts"
import { hostEnvironment } from "../../base/host/hostEnvironment.ts"
import { openBuildNetwork } from "./openBuildNetwork.ts"

const host = "registry.example.test"
const run = promisify(execFile)

/** An npm registry with one package, at a host that only the proxy reaches. */
const answer = (path: string) =>
  path === "/tiny"
    ? JSON.stringify({
        name: "tiny",
        "dist-tags": { latest: "1.2.3" },
        versions: { "1.2.3": { name: "tiny", version: "1.2.3" } }
      })
    : "{}"

describe("the network of a build", () => {
  const authority = privateAuthority(host)
  const plain = createServer((request, response) => response.end(answer(request.url ?? "")))
  const tls = createTlsServer(authority.tls, (request, response) => response.end(answer(request.url ?? "")))
  let folder = ""
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "maxcloud-network-"))
    for (const server of [plain, tls]) await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  })
  afterAll(() => {
    plain.close()
    tls.close()
    authority.remove()
    rmSync(folder, { recursive: true, force: true })
  })
  const proxied = (credentials?: string) =>
    startTestProxy({
      ...(credentials === undefined ? {} : { credentials }),
      route: (name, port) => (name === host ? ((port === 443 ? tls : plain).address() as AddressInfo).port : undefined)
    })

  const environmentOf = (network: Readonly<Record<string, string>>) => ({
    ...hostEnvironment("installer", { PATH: process.env["PATH"], HOME: folder }),
    ...network
  })
  const view = async (network: Readonly<Record<string, string>>, scheme: string) => {
    const args = [
      "view",
      "tiny",
      "version",
      "--registry",
      `${scheme}://${host}/`,
      "--fetch-retries=0",
      `--cache=${mkdtempSync(join(folder, "cache-"))}`
    ]
    const { stdout } = await run("npm", args, { env: environmentOf(network), cwd: folder })
    return stdout.trim()
  }

  it("lets npm through a proxy that requires a password, without revealing the password", async () => {
    await using proxy = await proxied("ada:hunter2")
    const server = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: authority.file }
    const network = await openBuildNetwork(server, folder)
    try {
      expect(JSON.stringify(network.environment)).not.toContain("hunter2")
      expect(await view(network.environment, "https")).toBe("1.2.3")
      expect(await view(network.environment, "http")).toBe("1.2.3")
      expect(proxy.asked).toContain(`CONNECT ${host}:443`)
      expect(
        proxy.asked.some((value) =>
          /^(GET http:\/\/registry\.example\.test\/tiny|CONNECT registry\.example\.test:80)$/.test(value)
        )
      ).toBe(true)
    } finally {
      await network[Symbol.asyncDispose]()
    }
    // The URL that the build got is worthless now.
    const asked = proxy.asked.length
    await view(network.environment, "https").then(
      () => expect.unreachable("the relay still exists"),
      () => undefined
    )
    expect(proxy.asked.length).toBe(asked)
  })

  it("makes curl, which reads other variables, trust the operator's authority", async ({ skip }) => {
    if ((await run("curl", ["--version"]).catch(() => undefined)) === undefined) skip()
    await using proxy = await proxied("ada:hunter2")
    await using network = await openBuildNetwork(
      { HTTPS_PROXY: proxy.url, NODE_EXTRA_CA_CERTS: authority.file },
      folder
    )
    const { stdout } = await run("curl", ["-sS", "--fail", `https://${host}/tiny`], {
      env: environmentOf(network.environment)
    })
    expect(stdout).toContain("1.2.3")
  })

  it("refuses requests without the password that it gave the build", async () => {
    await using proxy = await proxied("ada:hunter2")
    await using network = await openBuildNetwork({ HTTP_PROXY: proxy.url }, folder)
    const relay = new URL(network.environment["http_proxy"] ?? "")
    for (const user of ["", "build:", "build:0", "ada:hunter2"]) {
      const url = `http://${user === "" ? "" : `${user}@`}127.0.0.1:${relay.port}`
      await view({ http_proxy: url, npm_config_proxy: url, HTTP_PROXY: url }, "http").then(
        () => expect.unreachable(`"${user}" was let through`),
        () => undefined
      )
    }
    expect(proxy.asked).toStrictEqual([])
  })

  it("passes on a proxy without a password unchanged, in both cases, with the hosts to reach directly", async () => {
    const server = {
      https_proxy: "http://proxy.corp:3128",
      NO_PROXY: "corp",
      HTTP_PROXY: "",
      PIP_PROXY: "proxy.corp:3128"
    }
    await using network = await openBuildNetwork(server, folder)
    expect(network.environment).toStrictEqual({
      https_proxy: "http://proxy.corp:3128",
      HTTPS_PROXY: "http://proxy.corp:3128",
      no_proxy: "corp",
      NO_PROXY: "corp",
      PIP_PROXY: "proxy.corp:3128",
      NODE_USE_ENV_PROXY: "1"
    })
  })

  it("drops a proxy with a password that it can't relay, whichever variable names it", async () => {
    const value = "socks5://ada:hunter2@proxy.corp:1080"
    const names = [
      "ALL_PROXY",
      "https_proxy",
      "npm_config_https_proxy",
      "npm_config_proxy",
      "YARN_HTTPS_PROXY",
      "PIP_PROXY"
    ]
    await using network = await openBuildNetwork(Object.fromEntries(names.map((name) => [name, value])), folder)
    expect(network.environment).toStrictEqual({})
    expect(
      JSON.stringify(hostEnvironment("installer", Object.fromEntries(names.map((name) => [name, value]))))
    ).not.toContain("hunter2")
  })

  it("reports a dead proxy like an unreachable network", async () => {
    await using network = await openBuildNetwork(
      { HTTPS_PROXY: `http://ada:hunter2@127.0.0.1:${await deadPort()}` },
      folder
    )
    const error = await view(network.environment, "https").then(
      () => expect.unreachable("it was reached"),
      (cause: unknown) => String(cause)
    )
    expect(error).toMatch(/502/)
    expect(error).not.toContain("hunter2")
  })

  it("copies the operator's authorities for users who can't read them, and keeps the settings of single tools", async () => {
    const closed = join(folder, "closed.pem")
    writeFileSync(closed, `# a note\n${readFileSync(authority.file, "utf8")}`, { mode: 0o600 })
    await using network = await openBuildNetwork({ NODE_EXTRA_CA_CERTS: closed, PIP_CERT: "/own.pem" }, folder)
    const { NODE_EXTRA_CA_CERTS: extra = "", PIP_CERT, SSL_CERT_FILE: all = "" } = network.environment
    expect(PIP_CERT).toBeUndefined()
    expect(readFileSync(extra, "utf8")).toBe(readFileSync(authority.file, "utf8"))
    expect(readFileSync(all, "utf8")).toContain(readFileSync(authority.file, "utf8").trim())
    expect(readFileSync(all, "utf8").match(/BEGIN CERTIFICATE/g)?.length ?? 0).toBeGreaterThan(50)
    expect(statSync(extra).mode & 0o777).toBe(0o644)
    await using none = await openBuildNetwork({ NODE_EXTRA_CA_CERTS: join(folder, "missing.pem") }, folder)
    expect(none.environment).toStrictEqual({})
  })
})
