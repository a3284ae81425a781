import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { connect } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Either, Redacted } from "effect"
import { problemOf, resolveTest } from "../../../../test/images/testImages.ts"
import { digestOf, types } from "../../../../test/registry/pushImage.ts"
import { ImageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import { makeExchange } from "./exchange.ts"
import { explain } from "./exchangeErrors.ts"

const open: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

interface Listening {
  readonly port: number
  readonly requests: ReadonlyArray<IncomingMessage>
  readonly connections: () => number
}

/** A server that may answer anything. */
const listen = async (answer: RequestListener): Promise<Listening> => {
  const requests: Array<IncomingMessage> = []
  let connections = 0
  const server = createServer((request, response) => {
    requests.push(request)
    answer(request, response)
  })
  server.on("connection", () => connections++)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  open.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return { port: address.port, requests, connections: () => connections }
}

const config = JSON.stringify({ os: "linux", architecture: "amd64", config: { User: "1" } })
const manifest = JSON.stringify({
  schemaVersion: 2,
  mediaType: types.manifest,
  config: { mediaType: types.config, digest: digestOf(config), size: config.length },
  layers: []
})

type Route = (request: IncomingMessage, response: ServerResponse) => void

const text =
  (body: string | Buffer, headers: Record<string, string> = {}): Route =>
  (_, response) => {
    response.writeHead(200, headers).end(body)
  }

/** An honest registry of one image, with the given exceptions. */
const registryOf = (routes: { readonly head?: Route; readonly manifest?: Route; readonly config?: Route } = {}) =>
  listen((request, response) => {
    const url = request.url ?? ""
    if (request.method === "HEAD") {
      ;(routes.head ?? text("", { "docker-content-digest": digestOf(manifest) }))(request, response)
    } else if (url.includes("/blobs/")) (routes.config ?? text(config))(request, response)
    else if (url.includes("/manifests/")) (routes.manifest ?? text(manifest))(request, response)
    else response.writeHead(404).end()
  })

/** By host and port, as an operator lists them. */
const listing = (...listening: ReadonlyArray<Listening>) => ({
  insecureRegistries: listening.flatMap(({ port }) => [`127.0.0.1:${port}`, `localhost:${port}`])
})
const problem = (registry: Listening) => problemOf(`127.0.0.1:${registry.port}/app:1`, listing(registry))
const credentials = { username: "acme", password: Redacted.make("hunter2") }

describe("a registry that answers wrongly", () => {
  it("is an honest one before all", async () => {
    expect(await problem(await registryOf())).toBe("")
    expect(await problem(await registryOf({ head: (_, response) => response.writeHead(405).end() }))).toBe("")
    expect(await problem(await registryOf({ head: text("") }))).toBe("")
  })

  it("is refused if content doesn't match its digest", async () => {
    expect(await problem(await registryOf({ manifest: text(manifest.replace("2,", "2, ")) }))).toMatch(
      /^ImageInvalid: .* returns something else/
    )
    expect(await problem(await registryOf({ config: text(config.replace("amd64", "amd65")) }))).toContain(
      "something else"
    )
    const honest = await registryOf()
    const other = `127.0.0.1:${honest.port}/app@sha256:${"0".repeat(64)}`
    expect(await problemOf(other, listing(honest))).toContain("something else")
  })

  it("is refused if its documents don't describe an image", async () => {
    const both = JSON.stringify({ ...JSON.parse(manifest), manifests: [] })
    const old = JSON.stringify({ schemaVersion: 1, name: "app", tag: "1", fsLayers: [] })
    const nested = JSON.stringify({ schemaVersion: 2, manifests: null })
    for (const body of [both, old, nested, "<html>", "", "null", "[".repeat(100_000)]) {
      const registry = await registryOf({
        head: text("", { "docker-content-digest": digestOf(body) }),
        manifest: text(body)
      })
      expect([body.slice(0, 50), await problem(registry)]).toEqual([
        body.slice(0, 50),
        expect.stringMatching(/^ImageInvalid: /)
      ])
    }
    const loop = JSON.stringify({
      schemaVersion: 2,
      manifests: [{ digest: `sha256:${"1".repeat(64)}`, platform: { os: "linux", architecture: "amd64" } }]
    })
    const index = await registryOf({
      head: text("", { "docker-content-digest": digestOf(loop) }),
      manifest: text(loop)
    })
    expect(await problem(index)).toMatch(/^ImageInvalid: /)
  })

  it("can't fill the memory", async () => {
    let sent = 0
    const endless: Route = (_, response) => {
      const chunk = Buffer.alloc(64 * 1024, "a")
      const more = () => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length
      }
      response.on("drain", more)
      more()
    }
    expect(await problem(await registryOf({ manifest: endless }))).toMatch(/^ImageInvalid: .*more than 4194304 bytes/)
    expect(sent).toBeLessThan(64 * 1024 * 1024)
  })

  it("can't cause a redirect loop", async () => {
    const circle = await registryOf({
      head: (request, response) => response.writeHead(307, { location: request.url }).end()
    })
    expect(await problem(circle)).toMatch(/^ImageInvalid: .*more than 5 times/)
    expect(circle.requests.length).toBe(6)
  })

  it("causes a temporary fault if it fails, rate-limits or is unreachable", async () => {
    const gone = await listen(() => {})
    await open.pop()?.()
    for (const [registry, said] of [
      [await registryOf({ head: (_, response) => response.writeHead(503).end() }), "HTTP 503"],
      [await registryOf({ head: (_, response) => response.writeHead(429).end() }), "HTTP 429"],
      [await registryOf({ manifest: (request) => request.destroy() }), "ECONNRESET"],
      [gone, "ECONNREFUSED"]
    ] as const) {
      const image = `127.0.0.1:${registry.port}/app:1`
      await expect(resolveTest([image], listing(registry))).rejects.toThrow(said)
      const honest = await registryOf()
      const missing = `127.0.0.1:${honest.port}/app@sha256:${"0".repeat(64)}`
      const wrong = await resolveTest([image, missing], listing(registry, honest))
      expect(wrong.problems.map((problem) => problem.path[1])).toEqual([1])
    }
  })

  it("isn't waited for if it doesn't answer", async () => {
    const silent = await listen(() => {})
    const url = new URL(`http://127.0.0.1:${silent.port}/v2/`)
    const asked = Effect.scoped(
      Effect.flatMap(makeExchange({}, Duration.millis(200)), (exchange) =>
        exchange({ method: "GET", url, headers: {}, reach: "private", maxBytes: 1 })
      )
    )
    const result = await Effect.runPromise(Effect.either(asked))
    expect(Either.isLeft(result) && result.left).toBeInstanceOf(ImagesError)
    expect(silent.connections()).toBe(1)
  })

  it("is explained if it speaks no HTTP, or no HTTPS", async () => {
    const plain = await registryOf()
    const options = { privateRegistries: [`127.0.0.1:${plain.port}`, "127.0.0.1:1"] }
    expect(await problemOf(`127.0.0.1:${plain.port}/app:1`, options)).toMatch(/^RegistryUnreachable: .*HTTPS/)
    const none = `127.0.0.1:1/app:1`
    await expect(resolveTest([none], options)).rejects.toThrow("ECONNREFUSED")
    // If no name server answers, that's temporary.
    const unknown = await problemOf("registry.invalid/app:1", {}).catch((cause) => String(cause.message))
    expect(unknown).toMatch(
      /^RegistryUnreachable: the server can't resolve the name registry\.invalid \((ENOTFOUND|EAI_AGAIN)\)/
    )
  })

  it("gets the likely cause of an unresolvable name: the image's name, or the server's own network", () => {
    const missing = (host: string, code: string) =>
      explain(Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code }), new URL(`https://${host}/v2/`))
    const theirs = missing("registry.exampel.com", "ENOTFOUND")
    expect(theirs).toBeInstanceOf(ImageProblem)
    expect(theirs.message).toContain("Check the registry in the image's name. If it's right")
    // Nobody has written Docker Hub's name: "nginx" is an image of it.
    for (const host of ["registry-1.docker.io", "auth.docker.io"]) {
      const own = missing(host, "ENOTFOUND")
      expect(own).toBeInstanceOf(ImagesError)
      expect(own.message).toBe(
        `RegistryUnreachable: the server can't resolve the name ${host} (ENOTFOUND). Check that the server has a name server (DNS) and access to the internet, then try again.`
      )
    }
    expect(missing("ghcr.io", "EAI_AGAIN")).toBeInstanceOf(ImagesError)
    expect(missing("notdocker.io", "ENOTFOUND")).toBeInstanceOf(ImageProblem)
  })
})

describe("credentials", () => {
  const asking = (request: IncomingMessage, response: ServerResponse, next: Route) => {
    if (request.headers.authorization !== undefined) next(request, response)
    else response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end()
  }

  it("follow a redirect within a registry, but not out of it", async () => {
    const store = await listen(text(config))
    const seen = async (host: string, path: string) => {
      const registry: Listening = await registryOf({
        head: (request, response) =>
          asking(request, response, text("", { "docker-content-digest": digestOf(manifest) })),
        config: (request, response) =>
          request.url?.includes("stored") === true
            ? text(config)(request, response)
            : response.writeHead(307, { location: host === "" ? path : `http://${host}:${store.port}${path}` }).end()
      })
      const image = `127.0.0.1:${registry.port}/app:1`
      expect(await problemOf(image, listing(registry, store), credentials)).toBe("")
      return registry.requests.at(-1)?.headers.authorization
    }
    expect(await seen("", "/v2/app/blobs/stored")).toMatch(/^Basic /)
    await seen("127.0.0.1", "/stored")
    await seen("localhost", "/stored")
    expect(store.requests.map((request) => request.headers.authorization)).toEqual([undefined, undefined])
  })

  it("don't go to a token server over plain HTTP, nor to one on a closed network", async () => {
    for (const [realm, said] of [
      ["http://tokens.example/token", "only HTTPS"],
      ["http://169.254.169.254/latest/meta-data/", "only HTTPS"],
      ["https://169.254.169.254/", "doesn't call for tenants"],
      ["https://[fd00:ec2::254]/", "doesn't call for tenants"],
      ["https://10.1.2.3/", "doesn't call for tenants"],
      ["file:///etc/passwd", "only HTTPS"],
      ["not a url", "isn't a URL"]
    ] as const) {
      const registry = await registryOf({
        head: (_, response) => response.writeHead(401, { "www-authenticate": `Bearer realm="${realm}"` }).end()
      })
      const message = await problemOf(`127.0.0.1:${registry.port}/app:1`, listing(registry), credentials)
      expect([realm, message]).toEqual([realm, expect.stringContaining(said)])
    }
  })
})

describe("hosts that tenants name", () => {
  it("aren't called on this machine, its networks or metadata services, in whatever notation", async () => {
    const victim = await listen(text("secret"))
    const hosts = [
      `127.0.0.1:${victim.port}`,
      `localhost:${victim.port}`,
      `127.1:${victim.port}`,
      `0x7f.0.0.1:${victim.port}`,
      `0177.0.0.1:${victim.port}`,
      `0.0.0.0:${victim.port}`,
      "169.254.169.254",
      "10.0.0.1",
      "192.168.0.1:6443"
    ]
    for (const host of hosts) {
      const message = await problemOf(`${host}/app:1`, {})
      expect([host, message]).toEqual([host, expect.stringMatching(/^RegistryUnreachable: .*doesn't call for tenants/)])
    }
    expect(victim.connections()).toBe(0)
  })

  it("are called at the port that the operator lists, and at no other port of the same machine", async () => {
    const [listed, victim] = [await registryOf(), await listen(text("secret"))]
    expect(await problemOf(`127.0.0.1:${listed.port}/app:1`, listing(listed))).toBe("")
    for (const host of ["127.0.0.1", "localhost"]) {
      const options = { insecureRegistries: [host, `127.0.0.1:${listed.port}`], privateRegistries: [host] }
      expect(await problemOf(`${host}:${victim.port}/app:1`, options)).toContain("doesn't call for tenants")
    }
    const leading = await registryOf({
      config: (_, response) => response.writeHead(307, { location: `http://127.0.0.1:${victim.port}/` }).end()
    })
    expect(await problemOf(`127.0.0.1:${leading.port}/app:1`, listing(leading))).toMatch(/^RegistryUnreachable: /)
    expect(victim.connections()).toBe(0)
  })

  it("can't be metadata services, even if the operator trusts them", async () => {
    for (const host of ["169.254.169.254", "100.100.100.200"]) {
      const options = { insecureRegistries: [host], privateRegistries: [host] }
      expect(await problemOf(`${host}/app:1`, options)).toContain("doesn't call for tenants")
    }
  })

  it("can't be reached by a redirect either", async () => {
    const victim = await listen(text("secret"))
    for (const location of [
      `https://127.0.0.1.:${victim.port}/`,
      "https://169.254.169.254/latest/",
      "https://[::ffff:10.0.0.1]/",
      "http://10.0.0.1/"
    ]) {
      const registry = await registryOf({ config: (_, response) => response.writeHead(307, { location }).end() })
      const message = await problemOf(`localhost:${registry.port}/app:1`, listing(registry))
      expect([location, message]).toEqual([location, expect.stringMatching(/^RegistryUnreachable: /)])
    }
    expect(victim.connections()).toBe(0)
  })

  it("do exist: these tests' victim is reachable", async () => {
    const victim = await listen(text("secret"))
    await new Promise((resolve) => connect(victim.port, "127.0.0.1", () => resolve(undefined)).unref())
    await expect.poll(victim.connections).toBe(1)
  })
})
