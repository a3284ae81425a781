import { type ClientHttp2Session, connect } from "node:http2"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as fc from "fast-check"
import { type Authorizer, makeAuthorizer } from "./Authorizer.ts"
import { readCheckRequest } from "./CheckRequest.ts"
import { readFields, writeBytes, writeNumber } from "./protobuf.ts"
import { makeTenantNetwork, type Pod, type TenantNetwork } from "./TenantNetwork.ts"

const peer = (address: string, port: number) =>
  writeBytes(1, writeBytes(1, writeNumber(1, 0), writeBytes(2, address), writeNumber(3, port)))
const entry = (field: number, key: string, value: string) => writeBytes(field, writeBytes(1, key), writeBytes(2, value))

const question = (options: {
  readonly from: string
  readonly route?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  readonly host?: string
}) =>
  writeBytes(
    1,
    writeBytes(1, peer(options.from, 40_000)),
    writeBytes(2, peer("10.0.0.9", 8081)),
    writeBytes(
      4,
      writeBytes(
        2,
        ...Object.entries(options.headers ?? {}).map(([key, value]) => entry(3, key, value)),
        writeBytes(5, options.host ?? "api.acme")
      )
    ),
    ...Object.entries(options.route ?? {}).map(([key, value]) => entry(10, key, value))
  )

const to = (service: string) => ({
  visibility: "ClusterLocal",
  "serving.knative.dev/route": service,
  "serving.knative.dev/routeNamespace": "acme"
})

const frame = (message: Buffer) => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

interface Answer {
  readonly grpcStatus: string
  readonly message: Buffer
}

const call = (session: ClientHttp2Session, path: string, body: Buffer): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const stream = session.request({
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers"
    })
    let grpcStatus = ""
    const chunks: Array<Buffer> = []
    stream.on("response", (headers) => (grpcStatus = String(headers["grpc-status"] ?? grpcStatus)))
    stream.on("trailers", (headers) => (grpcStatus = String(headers["grpc-status"])))
    stream.on("data", (chunk: Buffer) => chunks.push(chunk))
    stream.on("error", reject)
    stream.on("close", () => resolve({ grpcStatus, message: Buffer.concat(chunks).subarray(5) }))
    stream.end(body)
  })

const checkPath = "/envoy.service.auth.v3.Authorization/Check"

/** Status, headers and body of a CheckResponse; status 200 if the request may pass. */
const read = (message: Buffer) => {
  const response = { status: 200, headers: new Map<string, string>(), body: "" }
  readFields(message, 0, message.length, {
    bytes: (field, start, end) => {
      if (field !== 2) return
      readFields(message, start, end, {
        bytes: (part, from, to) => {
          if (part === 3) response.body = message.toString("utf8", from, to)
          if (part === 1)
            readFields(message, from, to, { bytes: () => {}, varint: (_, value) => (response.status = value) })
          if (part === 2) {
            const [key = "", value = ""] = stringsIn(message, from, to)
            response.headers.set(key, value)
          }
        }
      })
    }
  })
  return response
}
const stringsIn = (message: Buffer, start: number, end: number) => {
  const found: Array<string> = []
  readFields(message, start, end, {
    bytes: (_, from, to) =>
      readFields(message, from, to, { bytes: (_part, at, until) => found.push(message.toString("utf8", at, until)) })
  })
  return found
}

const pod = (address: string, service: string): Pod => ({
  id: address,
  namespace: "acme",
  service,
  node: "n",
  address,
  terminating: false,
  ended: false
})
const service = (id: string, links: ReadonlyArray<string> = [], paused = false) => ({
  id: `acme/${id}`,
  organization: "acme",
  app: "app",
  links: new Set(links),
  linkVariables: links.map((name) => `${name}=${name.toUpperCase()}_URL`),
  externals: new Set<string>(),
  exports: new Set<string>(),
  mayCallInternet: false,
  paused,
  forged: false
})

const withAuthorizer = (
  act: (tools: {
    readonly network: TenantNetwork
    readonly authorizer: Authorizer
    readonly session: ClientHttp2Session
    readonly check: (message: Buffer) => Promise<ReturnType<typeof read> & { readonly grpcStatus: string }>
  }) => Promise<void>
) =>
  Effect.gen(function* () {
    const network = makeTenantNetwork()
    network.namespaces({ type: "list", objects: [{ id: "acme" }] })
    network.services({
      type: "list",
      objects: [service("web", ["api", "off"]), service("api"), service("off", [], true)]
    })
    network.pods({ type: "list", objects: [pod("10.0.0.1", "web"), pod("10.0.0.2", "api")] })
    const authorizer = yield* makeAuthorizer({ network, port: 0, host: "127.0.0.1" })
    const session = connect(`http://127.0.0.1:${authorizer.port}`)
    const check = async (message: Buffer) => {
      const { grpcStatus, message: answer } = await call(session, checkPath, frame(message))
      return { grpcStatus, ...read(answer) }
    }
    yield* Effect.promise(() => act({ network, authorizer, session, check })).pipe(
      Effect.ensuring(Effect.sync(() => session.close()))
    )
  }).pipe(Effect.scoped, Effect.runPromise)

describe("the authorizer", () => {
  it("answers Envoy by the caller's address and the route", () =>
    withAuthorizer(async ({ check }) => {
      expect(await check(question({ from: "10.0.0.1", route: to("api") }))).toMatchObject({
        grpcStatus: "0",
        status: 200
      })
      const refused = await check(question({ from: "10.0.0.2", route: to("web") }))
      expect(refused).toMatchObject({ grpcStatus: "0", status: 403 })
      expect(refused.headers.get("content-type")).toBe("application/problem+json")
      expect(JSON.parse(refused.body)).toMatchObject({ status: 403, title: "Forbidden", code: "forbidden" })
      expect(await check(question({ from: "::ffff:10.0.0.1", route: to("api") }))).toMatchObject({ status: 200 })
    }))

  it("names the host and the variable of a linked service that was called by its bare name", () =>
    withAuthorizer(async ({ check }) => {
      const answer = await check(question({ from: "10.0.0.1", host: "api" }))
      expect(answer.status).toBe(404)
      expect(JSON.parse(answer.body)).toMatchObject({
        code: "not_found",
        detail: '"api" alone isn\'t a host of the gateway. Call http://api.acme/, or the URL in the variable API_URL.'
      })
      expect(await check(question({ from: "10.0.0.1", host: "nobody" }))).toMatchObject({ status: 403 })
    }))

  it("answers for a paused service with a page or a problem document, in English or German", () =>
    withAuthorizer(async ({ check }) => {
      const ask = (headers: Readonly<Record<string, string>>) =>
        check(question({ from: "10.0.0.1", route: to("off"), headers }))
      const json = await ask({})
      expect(json.status).toBe(503)
      expect(json.headers.get("retry-after")).toBe("60")
      expect(JSON.parse(json.body)).toMatchObject({ title: "This service is paused", status: 503 })
      const page = await ask({ accept: "text/html,*/*", "accept-language": "de-AT,de;q=0.9,en;q=0.5" })
      expect(page.headers.get("content-type")).toContain("text/html")
      expect(page.body).toContain('<html lang="de">')
      expect(page.body).toContain("pausiert")
      expect((await ask({ accept: "text/html", "accept-language": "fr, en;q=0.1" })).body).toContain("is paused")
    }))

  it("waits for the address of a new pod, at most a second", () =>
    withAuthorizer(async ({ authorizer, check, network }) => {
      const early = check(question({ from: "10.0.0.7", route: to("api") }))
      while (authorizer.waiting() === 0) await new Promise(setImmediate)
      network.pods({ type: "put", object: pod("10.0.0.7", "web") })
      expect((await early).status).toBe(200)
      expect((await check(question({ from: "10.0.0.8", route: to("api") }))).status).toBe(403)
      expect(authorizer.waiting()).toBe(0)
    }))

  it("doesn't let one caller take all waiting places", () =>
    withAuthorizer(async ({ authorizer, check }) => {
      const many = Array.from({ length: 200 }, () => check(question({ from: "10.0.0.8", route: to("api") })))
      while (authorizer.waiting() === 0) await new Promise(setImmediate)
      const first = await Promise.race(many)
      expect(first.status).toBe(403)
      expect(authorizer.waiting()).toBeLessThanOrEqual(32)
      expect((await Promise.all(many)).every((each) => each.status === 403)).toBe(true)
    }))

  it("reports that it serves, and that it's about to stop", () =>
    withAuthorizer(async ({ authorizer, check, session }) => {
      const health = async () => (await call(session, "/grpc.health.v1.Health/Check", frame(Buffer.alloc(0)))).message
      expect([...(await health())]).toEqual([8, 1])
      authorizer.drain()
      expect([...(await health())]).toEqual([8, 2])
      expect((await check(question({ from: "10.0.0.1", route: to("api") }))).status).toBe(200)
    }))

  it("answers an invalid request with an error, which Envoy turns into a refusal, and keeps working", () =>
    withAuthorizer(async ({ check, session }) => {
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
          const { grpcStatus, message } = await call(session, checkPath, Buffer.from(bytes))
          expect(grpcStatus === "3" || read(message).status === 403).toBe(true)
        }),
        { numRuns: 100 }
      )
      expect((await call(session, "/other", frame(Buffer.alloc(0)))).grpcStatus).toBe("12")
      expect((await check(question({ from: "10.0.0.1", route: to("api") }))).status).toBe(200)
    }))
})

describe("readCheckRequest", () => {
  it("reads any valid message, with any unknown fields in it", () => {
    const text = fc.string({ unit: "grapheme-ascii", maxLength: 40 })
    fc.assert(
      fc.property(fc.ipV4(), fc.dictionary(text, text), text, (from, route, accept) => {
        const message = Buffer.concat([
          question({ from, route, headers: { accept, "x-other": "1".repeat(300) } }),
          writeBytes(99, "unknown"),
          writeNumber(98, 2 ** 40)
        ])
        const read = readCheckRequest(message)
        expect(read.sourceAddress).toBe(from)
        expect(read.listenerPort).toBe(8081)
        expect(new Map(read.route)).toEqual(new Map(Object.entries(route)))
        expect([...read.headers]).toEqual([["accept", accept]])
      })
    )
  })
})
