import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { gunzipSync } from "node:zlib"
import { afterEach, assert, beforeEach, describe, it } from "@effect/vitest"
import {
  deployment,
  deploymentId,
  encodeDeployment,
  encodeService,
  entry,
  event,
  fakeServer,
  json,
  openStream,
  problem,
  type Route,
  sendEntry,
  sendEvent,
  service,
  serviceId
} from "../test/fakeServer.ts"
import { NotFound, QuotaExceeded, Unavailable } from "./api/index.ts"
import { defineConfig, service as describeService } from "./config.ts"
import { createClient, type DeployProgress, type MaxCloudError } from "./index.ts"

const spec = { app: "shop", services: [{ name: "api", image: "nginx" }] }

const failureOf = (promise: Promise<unknown>): Promise<MaxCloudError> =>
  promise.then(
    () => assert.fail("it did not fail"),
    (error: MaxCloudError) => error
  )

const list: Route = (_, response) => json(response, 200, [encodeService(service)])
const accept: Route = (_, response) => json(response, 202, encodeDeployment(deployment("queued")))
const get: Route = (_, response) => json(response, 200, encodeDeployment(deployment("succeeded")))
const deployPath = "POST /api/v1/apps/shop/stages/production/deployments"
const eventsPath = `GET /api/v1/deployments/${deploymentId}/events`
const logsPath = `GET /api/v1/services/${serviceId}/logs`

describe("deploy", () => {
  it("tells its progress and resolves with the finished deployment", async () => {
    await using server = await fakeServer({
      [deployPath]: accept,
      [eventsPath]: (_, response) => {
        openStream(response)
        sendEvent(response, event(1, "accepted"))
        sendEvent(response, event(2, "finished", "succeeded"))
      }
    })
    const progress: Array<DeployProgress> = []
    const client = createClient({ apiUrl: server.url, token: "t0k" })
    const done = await client.deploy(spec, { onProgress: (value) => progress.push(value), idempotencyKey: "k1" })
    assert.strictEqual(done.status.state, "succeeded")
    assert.deepStrictEqual(
      progress.map((each) => each._tag),
      ["accepted", "event", "event", "finished"]
    )
    assert.strictEqual(server.received[0]?.headers["idempotency-key"], "k1")
    assert.strictEqual(server.received[0]?.headers.authorization, "Bearer t0k")
    assert.deepStrictEqual(JSON.parse(String(server.received[0]?.body)).spec.app, "shop")
  })

  it("rejects with DeploymentFailed, which holds the deployment", async () => {
    await using server = await fakeServer({
      [deployPath]: accept,
      [eventsPath]: (_, response) => {
        openStream(response)
        sendEvent(response, event(1, "finished", "failed"))
      }
    })
    const error = await failureOf(createClient({ apiUrl: server.url }).deploy(spec))
    assert.instanceOf(error, Error)
    if (error._tag !== "DeploymentFailed") return assert.fail(error._tag)
    assert.strictEqual(error.deployment.number, 7)
    assert.include(error.message, "api: exit code 1")
  })

  it("resumes after the last event when the connection breaks, without losing or repeating one", async () => {
    let connections = 0
    await using server = await fakeServer({
      [deployPath]: accept,
      [eventsPath]: (request, response) => {
        connections++
        const last = Number(request.headers["last-event-id"] ?? 0)
        if (connections === 2) return response.destroy()
        if (connections === 3) return problem(response, new Unavailable({ detail: "starting", retryAfterSeconds: 1 }))
        openStream(response)
        sendEvent(response, event(last + 1, "applied"))
        if (connections === 1) {
          // Half of an event, then the end: it must be asked for again.
          response.write(`id: ${last + 2}\ndata: {"id":`, () => response.destroy())
        } else if (connections === 4) response.end()
        else sendEvent(response, event(last + 2, "finished", "succeeded"))
      }
    })
    const ids: Array<number> = []
    const done = await createClient({ apiUrl: server.url }).deploy(spec, {
      onProgress: (each) => each._tag === "event" && ids.push(each.event.id)
    })
    assert.strictEqual(done.status.state, "succeeded")
    assert.deepStrictEqual(ids, [1, 2, 3, 4])
  })

  it("with detach ends as soon as it is accepted", async () => {
    await using server = await fakeServer({ [deployPath]: accept })
    const done = await createClient({ apiUrl: server.url }).deploy(spec, { detach: true })
    assert.strictEqual(done.status.state, "queued")
  })

  it("asks again with the same key when the answer is lost", async () => {
    let requests = 0
    await using server = await fakeServer({
      [deployPath]: (request, response, raw) =>
        ++requests === 1 ? raw.socket.destroy() : accept(request, response, raw)
    })
    await createClient({ apiUrl: server.url }).deploy(spec, { detach: true })
    const keys = server.received.map((each) => each.headers["idempotency-key"])
    assert.lengthOf(keys, 2)
    assert.strictEqual(keys[0], keys[1])
  })

  it("stops waiting by the signal, with its reason, and closes its connection", async () => {
    const controller = new AbortController()
    let closed: Promise<unknown> | undefined
    await using server = await fakeServer({
      [deployPath]: accept,
      [eventsPath]: (_, response) => {
        closed = once(response, "close")
        openStream(response)
        sendEvent(response, event(1, "started"))
      }
    })
    const reason = new Error("enough")
    const error = await failureOf(
      createClient({ apiUrl: server.url }).deploy(spec, {
        signal: controller.signal,
        onProgress: (each) => each._tag === "event" && controller.abort(reason)
      })
    )
    assert.strictEqual<unknown>(error, reason)
    await closed
  })

  it("gives the server's refusals as they are", async () => {
    await using server = await fakeServer({
      [deployPath]: (_, response) => problem(response, new QuotaExceeded({ detail: "only 3 services" }))
    })
    const error = await failureOf(createClient({ apiUrl: server.url }).deploy(spec))
    assert.instanceOf(error, QuotaExceeded)
    assert.strictEqual(error.message, "only 3 services")
  })

  it("sends nothing if the app is invalid", async () => {
    await using server = await fakeServer({
      // A config is told where it is deployed.
      "GET /api/v1/info": (_, response) =>
        json(response, 200, { version: "1", runtime: "local", organization: "acme", inPlace: false })
    })
    const client = createClient({ apiUrl: server.url })
    const wrong = { app: "shop", services: [{ name: "api", image: "nginx", port: 0 }] }
    assert.strictEqual((await failureOf(client.deploy(wrong)))._tag, "InvalidSpec")
    const error = await failureOf(
      client.plan(defineConfig({ app: "shop", services: [describeService("api", { image: "nginx", port: 0 })] }))
    )
    assert.strictEqual(error._tag, "ConfigInvalid")
    assert.include(error.message, "services.api.port  0 isn't a valid port")
    assert.isEmpty(server.received.filter(({ method }) => method !== "GET"))
  })
})

describe("removing", () => {
  it("destroyAndWait resolves when the app is gone, and rejects if it isn't", async () => {
    let outcome: "succeeded" | "failed" = "succeeded"
    await using server = await fakeServer({
      "DELETE /api/v1/apps/shop/stages/production": accept,
      [eventsPath]: (_, response) => {
        openStream(response)
        sendEvent(response, event(1, "started"))
        sendEvent(response, event(2, "finished", outcome))
      }
    })
    const client = createClient({ apiUrl: server.url })
    const told: Array<string> = []
    const done = await client.apps.destroyAndWait("shop", { onProgress: (each) => told.push(each._tag) })
    assert.strictEqual(done.status.state, "succeeded")
    assert.deepStrictEqual(told, ["accepted", "event", "event", "finished"])
    outcome = "failed"
    assert.strictEqual((await failureOf(client.apps.destroyAndWait("shop")))._tag, "DeploymentFailed")
  })

  it("deleteAndWait resolves when the service is gone, whatever the deployment still waits for", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [`DELETE /api/v1/services/${serviceId}`]: (_, response) =>
        response.writeHead(204, { link: `</api/v1/deployments/${deploymentId}>; rel="monitor"` }).end(),
      [`GET /api/v1/deployments/${deploymentId}`]: (_, response) =>
        json(response, 200, encodeDeployment(deployment("queued"))),
      [eventsPath]: (_, response) => {
        openStream(response)
        sendEvent(response, { ...event(1, "service", "running"), service: service.name, reason: "Deleted" })
      }
    })
    const done = await createClient({ apiUrl: server.url }).services.deleteAndWait("api")
    assert.strictEqual(done.id, deploymentId)
  })
})

describe("deploy of a source", () => {
  let folder = ""
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "maxcloud-sdk-"))
    await writeFile(join(folder, "index.js"), "console.log(1)\n")
  })
  afterEach(() => rm(folder, { recursive: true }))
  const source = { app: "shop", services: [{ name: "api", source: "." }] }

  it("uploads the sources that the server lacks, and names each by its digest", async () => {
    let uploaded = ""
    const have: Route = ({ path }, response) => {
      const digest = path.split("/").at(-1) ?? ""
      if (digest === uploaded) json(response, 200, { digest, bytes: 1 })
      else problem(response, new NotFound({ resource: "source", name: digest, detail: "no such source" }))
    }
    await using server = await fakeServer(
      new Proxy<Record<string, Route>>(
        { [deployPath]: accept },
        {
          get: (routes, key) => {
            const route = String(key)
            if (route.startsWith("GET /api/v1/sources/")) return have
            if (!route.startsWith("PUT /api/v1/sources/")) return routes[route]
            return ({ path }: { path: string }, response: ServerResponse) => {
              uploaded = path.split("/").at(-1) ?? ""
              response.writeHead(204).end()
            }
          }
        }
      )
    )
    const client = createClient({ apiUrl: server.url })
    const progress: Array<DeployProgress> = []
    const options = { folder, detach: true, onProgress: (value: DeployProgress) => progress.push(value) }
    await client.deploy(source, options)
    await client.deploy(source, options)
    assert.deepStrictEqual(
      progress.map((each) => each._tag),
      ["uploading", "accepted", "accepted"]
    )
    const [put, ...more] = server.received.filter((each) => each.method === "PUT")
    assert.isEmpty(more)
    assert.include(gunzipSync(put?.body ?? Buffer.alloc(0)).toString("latin1"), "console.log(1)")
    const sent = JSON.parse(String(server.received.find((each) => each.method === "POST")?.body))
    assert.deepStrictEqual(sent.spec.services[0].source, { path: ".", digest: uploaded })
  })

  it("in place names the folder and uploads nothing", async () => {
    await using server = await fakeServer({ [deployPath]: accept })
    await createClient({ apiUrl: server.url }).deploy(source, { folder, inPlace: true, detach: true })
    assert.lengthOf(server.received, 1)
    assert.deepStrictEqual(JSON.parse(String(server.received[0]?.body)).spec.services[0].source, {
      path: ".",
      directory: folder
    })
  })

  it("reports a missing folder before it sends anything", async () => {
    await using server = await fakeServer({})
    const error = await failureOf(
      createClient({ apiUrl: server.url }).plan(
        { app: "shop", services: [{ name: "api", source: "./nope" }] },
        { folder }
      )
    )
    assert.strictEqual(error._tag, "SourceInvalid")
    assert.isEmpty(server.received)
  })
})

describe("logs", () => {
  it("end with the last line, and resume where a connection broke", async () => {
    let connections = 0
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (request, response) => {
        connections++
        openStream(response)
        const last = Number(request.headers["last-event-id"] ?? 0)
        sendEntry(response, entry(last + 1))
        // Break the connection only after the client has read the line: unread data is lost with the connection.
        if (connections === 1) setTimeout(() => response.destroy(), 50)
        else response.end()
      }
    })
    const lines: Array<string> = []
    for await (const { line } of createClient({ apiUrl: server.url }).logs("api", { tail: 5 })) lines.push(line)
    assert.deepStrictEqual(lines, ["line 1", "line 2"])
    const [, first, second] = server.received
    assert.strictEqual(first?.query.get("tail"), "5")
    assert.isNull(second?.query.get("tail") ?? null)
    assert.strictEqual(second?.headers["last-event-id"], "1")
  })

  it("when followed, continue past a server that stops, until the reader has enough", async () => {
    let closed: Promise<unknown> | undefined
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (request, response) => {
        const last = Number(request.headers["last-event-id"] ?? 0)
        openStream(response)
        sendEntry(response, entry(last + 1))
        if (last < 2) response.end()
        else closed = once(response, "close")
      }
    })
    const lines: Array<string> = []
    for await (const { line } of createClient({ apiUrl: server.url }).logs("api", { follow: true })) {
      lines.push(line)
      if (lines.length === 3) break
    }
    assert.deepStrictEqual(lines, ["line 1", "line 2", "line 3"])
    await closed
  })

  it("end by the signal with its reason, and by closing the client", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (_, response) => {
        openStream(response)
        sendEntry(response, entry(1))
      }
    })
    const read = async (logs: AsyncIterable<unknown>, then: () => void) => {
      for await (const _ of logs) then()
    }
    const client = createClient({ apiUrl: server.url })
    const reason = new Error("enough")
    const controller = new AbortController()
    const logs = client.logs("api", { follow: true, signal: controller.signal })
    assert.strictEqual<unknown>(await failureOf(read(logs, () => controller.abort(reason))), reason)
    const closed: unknown = await failureOf(read(client.logs("api", { follow: true }), () => void client.close()))
    assert.strictEqual(closed instanceof DOMException ? closed.name : "", "AbortError")
    assert.strictEqual((await failureOf(client.info())).message, "the client was closed")
  })

  it("carry a failure after the first line as the error that it is", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (_, response) => {
        openStream(response)
        const error = { type: "/problems/internal-error", title: "Internal error", status: 500 }
        response.end(
          `event: error\ndata: ${JSON.stringify({ code: "internal_error", ...error, detail: "oh", requestId: "r" })}\n\n`
        )
      }
    })
    const read = async () => {
      for await (const _ of createClient({ apiUrl: server.url }).logs("api")) assert.fail("no line was sent")
    }
    assert.strictEqual((await failureOf(read()))._tag, "InternalError")
  })

  it("of a service that is not there are NotFound", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": (_, response) => json(response, 200, [])
    })
    const error = await failureOf(createClient({ apiUrl: server.url }).services.get("api"))
    assert.strictEqual(error._tag, "NotFound")
    assert.include(error.message, 'there is no service "api" in stage "production"')
  })
})

describe("faults of the way", () => {
  it("says how to start a server where none answers", async () => {
    const server = await fakeServer({})
    await server[Symbol.asyncDispose]()
    const client = createClient({ apiUrl: server.url })
    for (const call of [client.info, () => client.deploy(spec), () => client.deployments.get(deploymentId)]) {
      const error = await failureOf(call())
      assert.strictEqual(error._tag, "NotReachable")
      assert.include(
        error.message,
        `no max-cloud server answers at ${server.url} (connection refused): start it by \`maxcloud server\``
      )
    }
    const read = async () => {
      for await (const _ of client.deployments.events(deploymentId)) assert.fail("nothing can come")
    }
    assert.strictEqual((await failureOf(read()))._tag, "NotReachable")
  })

  it("gives up on a server that takes the connection and never answers", async () => {
    let requests = 0
    await using server = await fakeServer({
      "GET /api/v1/services": () => void requests++,
      [deployPath]: () => void requests++,
      [eventsPath]: () => void requests++
    })
    const client = createClient({ apiUrl: server.url, timeoutSeconds: 0.05 })
    const read = async () => {
      for await (const _ of client.deployments.events(deploymentId)) assert.fail("nothing can come")
    }
    for (const attempt of [() => client.services.list(), () => client.deploy(spec), read]) {
      const error = await failureOf(attempt())
      if (error._tag !== "NotReachable") return assert.fail(error._tag)
      assert.strictEqual(error.code, "NO_ANSWER")
      assert.include(error.message, `no answer from the max-cloud server at ${server.url} within 0.05 s: `)
    }
    // A deploy isn't sent again by itself: that would only wait longer.
    assert.isAtMost(requests, 3)
    assert.throws(() => createClient({ timeoutSeconds: 0 }), /timeoutSeconds is 0/)
  })

  it("rejects an invalid URL", async () => {
    assert.include(
      (await failureOf(createClient({ apiUrl: "localhost:8080" }).info())).message,
      "isn't a URL of a server"
    )
  })

  it("says that the connection broke where it did in the middle of an answer", async () => {
    await using server = await fakeServer({
      "GET /api/v1/info": (_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{")
        setTimeout(() => response.destroy(), 20)
      }
    })
    assert.strictEqual((await failureOf(createClient({ apiUrl: server.url }).info()))._tag, "NotReachable")
  })

  it("never shows a password of the URL", async () => {
    const error = await failureOf(createClient({ apiUrl: "http://ada:pass-word@127.0.0.1:1" }).info())
    assert.strictEqual(error._tag, "NotReachable")
    assert.notInclude(inspect(error), "pass-word")
  })

  it("shows the answer of a proxy in front of the server", async () => {
    const html: Route = (_, response) => response.writeHead(502).end("<html><h1>502 Bad Gateway</h1></html>")
    await using server = await fakeServer({
      "GET /api/v1/info": html,
      "GET /api/v1/services": (_, response) => response.end("hi")
    })
    const client = createClient({ apiUrl: server.url })
    const error = await failureOf(client.info())
    assert.strictEqual(error._tag, "UnexpectedAnswer")
    assert.include(error.message, "(status 502): <html><h1>502 Bad Gateway")
    assert.strictEqual((await failureOf(client.services.list()))._tag, "UnexpectedAnswer")
    assert.strictEqual((await failureOf(client.apps.list()))._tag, "UnexpectedAnswer")
  })

  it("refuses names that can be none before they are sent", async () => {
    await using server = await fakeServer({ [`GET /api/v1/deployments/${deploymentId}`]: get })
    const client = createClient({ apiUrl: server.url })
    assert.strictEqual((await failureOf(client.services.delete("API")))._tag, "InvalidRequest")
    assert.strictEqual((await failureOf(client.secrets.set("shop", "a-b", "v")))._tag, "InvalidRequest")
    assert.isEmpty(server.received)
    assert.strictEqual((await client.deployments.get(deploymentId)).status.state, "succeeded")
  })
})
