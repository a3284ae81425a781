import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import type { ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { gunzipSync } from "node:zlib"
import { afterEach, assert, beforeEach, describe, expect, it } from "@effect/vitest"
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
  sendProblem,
  service,
  serviceId
} from "../test/fakeServer.ts"
import { InvalidRequest, NotFound, QuotaExceeded, Unavailable } from "./api/index.ts"
import { defineConfig, service as describeService } from "./config.ts"
import { createClient, type DeployProgress, type MaxCloudError } from "./index.ts"

const spec = { app: "shop", services: [{ name: "api", image: "nginx" }] }

const failureOf = (promise: Promise<unknown>): Promise<MaxCloudError> =>
  promise.then(
    () => expect.unreachable("it did not fail"),
    (error: MaxCloudError) => error
  )

const list: Route = (_, response) => json(response, 200, [encodeService(service)])
const accept: Route = (_, response) => json(response, 202, encodeDeployment(deployment("queued")))
const get: Route = (_, response) => json(response, 200, encodeDeployment(deployment("succeeded")))
const deployPath = "POST /api/v1/apps/shop/stages/production/deployments"
const eventsPath = `GET /api/v1/deployments/${deploymentId}/events`
const logsPath = `GET /api/v1/services/${serviceId}/logs`

describe("deploy", () => {
  it("reports its progress and resolves with the finished deployment", async () => {
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
    expect(done.status.state).toBe("succeeded")
    expect(progress.map((each) => each._tag)).toStrictEqual(["accepted", "event", "event", "finished"])
    expect(server.received[0]?.headers["idempotency-key"]).toBe("k1")
    expect(server.received[0]?.headers.authorization).toBe("Bearer t0k")
    expect(JSON.parse(String(server.received[0]?.body)).spec.app).toStrictEqual("shop")
  })

  it("rejects with DeploymentFailed, which contains the deployment", async () => {
    await using server = await fakeServer({
      [deployPath]: accept,
      [eventsPath]: (_, response) => {
        openStream(response)
        sendEvent(response, event(1, "finished", "failed"))
      }
    })
    const error = await failureOf(createClient({ apiUrl: server.url }).deploy(spec))
    assert(error instanceof Error)
    if (error._tag !== "DeploymentFailed") return expect.unreachable(error._tag)
    expect(error.deployment.number).toBe(7)
    expect(error.message).toContain("api: exit code 1")
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
          // Half an event, then the end: the client must request it again.
          response.write(`id: ${last + 2}\ndata: {"id":`, () => response.destroy())
        } else if (connections === 4) response.end()
        else sendEvent(response, event(last + 2, "finished", "succeeded"))
      }
    })
    const ids: Array<number> = []
    const done = await createClient({ apiUrl: server.url }).deploy(spec, {
      onProgress: (each) => each._tag === "event" && ids.push(each.event.id)
    })
    expect(done.status.state).toBe("succeeded")
    expect(ids).toStrictEqual([1, 2, 3, 4])
  })

  it("returns with detach as soon as it is accepted", async () => {
    await using server = await fakeServer({ [deployPath]: accept })
    const done = await createClient({ apiUrl: server.url }).deploy(spec, { detach: true })
    expect(done.status.state).toBe("queued")
  })

  it("retries with the same key when the response is lost", async () => {
    let requests = 0
    await using server = await fakeServer({
      [deployPath]: (request, response, raw) =>
        ++requests === 1 ? raw.socket.destroy() : accept(request, response, raw)
    })
    await createClient({ apiUrl: server.url }).deploy(spec, { detach: true })
    const keys = server.received.map((each) => each.headers["idempotency-key"])
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
  })

  it("stops waiting when the signal aborts, rejects with its reason, and closes its connection", async () => {
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
    expect(error).toBe(reason)
    await closed
  })

  it("passes on the server's refusals unchanged", async () => {
    await using server = await fakeServer({
      [deployPath]: (_, response) => problem(response, new QuotaExceeded({ detail: "only 3 services" }))
    })
    const error = await failureOf(createClient({ apiUrl: server.url }).deploy(spec))
    assert(error instanceof QuotaExceeded)
    expect(error.message).toBe("only 3 services")
  })

  it("sends nothing if the app is invalid", async () => {
    await using server = await fakeServer({
      // The config gets the stage.
      "GET /api/v1/info": (_, response) =>
        json(response, 200, {
          version: "1",
          minimumClient: "1",
          features: [],
          runtime: "local",
          organization: "acme",
          inPlace: false
        })
    })
    const client = createClient({ apiUrl: server.url })
    const wrong = { app: "shop", services: [{ name: "api", image: "nginx", port: 0 }] }
    expect((await failureOf(client.deploy(wrong)))._tag).toBe("InvalidSpec")
    const error = await failureOf(
      client.plan(defineConfig({ app: "shop", services: [describeService("api", { image: "nginx", port: 0 })] }))
    )
    expect(error._tag).toBe("ConfigInvalid")
    expect(error.message).toContain("services.api.port  0 isn't a valid port")
    expect(server.received.filter(({ method }) => method !== "GET")).toHaveLength(0)
  })
})

describe("removing", () => {
  it("destroyAndWait resolves when the app is gone, and rejects if that fails", async () => {
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
    expect(done.status.state).toBe("succeeded")
    expect(told).toStrictEqual(["accepted", "event", "event", "finished"])
    outcome = "failed"
    expect((await failureOf(client.apps.destroyAndWait("shop")))._tag).toBe("DeploymentFailed")
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
    expect(done.id).toBe(deploymentId)
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
      else problem(response, new NotFound({ resource: "source", resourceName: digest, detail: "no such source" }))
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
    expect(progress.map((each) => each._tag)).toStrictEqual(["uploading", "accepted", "accepted"])
    const [put, ...more] = server.received.filter((each) => each.method === "PUT")
    expect(more).toHaveLength(0)
    expect(gunzipSync(put?.body ?? Buffer.alloc(0)).toString("latin1")).toContain("console.log(1)")
    const sent = JSON.parse(String(server.received.find((each) => each.method === "POST")?.body))
    expect(sent.spec.services[0].source).toStrictEqual({ path: ".", digest: uploaded })
  })

  it("sends only the folder's path in place, without an upload", async () => {
    await using server = await fakeServer({ [deployPath]: accept })
    await createClient({ apiUrl: server.url }).deploy(source, { folder, inPlace: true, detach: true })
    expect(server.received).toHaveLength(1)
    expect(JSON.parse(String(server.received[0]?.body)).spec.services[0].source).toStrictEqual({
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
    expect(error._tag).toBe("SourceInvalid")
    expect(server.received).toHaveLength(0)
  })
})

describe("logs", () => {
  it("end after the last line, and resume after a broken connection", async () => {
    let connections = 0
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (request, response) => {
        connections++
        openStream(response)
        const last = Number(request.headers["last-event-id"] ?? 0)
        sendEntry(response, entry(last + 1))
        // Break the connection only after the client has read the line, because unread data is lost with it.
        if (connections === 1) setTimeout(() => response.destroy(), 50)
        else response.end()
      }
    })
    const lines: Array<string> = []
    for await (const { line } of createClient({ apiUrl: server.url }).logs("api", { tail: 5 })) lines.push(line)
    expect(lines).toStrictEqual(["line 1", "line 2"])
    const [, first, second] = server.received
    expect(first?.query.get("tail")).toBe("5")
    expect(second?.query.get("tail") ?? null).toBeNull()
    expect(second?.headers["last-event-id"]).toBe("1")
  })

  const away = new Unavailable({ detail: "The cluster has been unreachable since 12:00.", retryAfterSeconds: 2 })

  it("fail at once when the cluster is unreachable, instead of asking again", async () => {
    let connections = 0
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (_, response) => {
        connections++
        openStream(response)
        sendEntry(response, entry(1))
        sendProblem(response, away)
      }
    })
    const lines: Array<string> = []
    const read = async () => {
      for await (const { line } of createClient({ apiUrl: server.url }).logs("api")) lines.push(line)
    }
    expect(await failureOf(read())).toMatchObject({ _tag: "Unavailable", message: away.detail })
    expect(lines).toStrictEqual(["line 1"])
    expect(connections).toBe(1)
  })

  it("say that the cluster is unreachable when followed, and continue after the last line", async () => {
    let connections = 0
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (request, response) => {
        connections++
        openStream(response)
        const last = Number(request.headers["last-event-id"] ?? 0)
        if (connections !== 2) sendEntry(response, entry(last + 1))
        if (connections < 3) sendProblem(response, away)
      }
    })
    const lines: Array<string> = []
    const reasons: Array<string> = []
    const logs = createClient({ apiUrl: server.url }).logs("api", {
      follow: true,
      onInterrupted: ({ message }) => reasons.push(message)
    })
    for await (const { line } of logs) {
      lines.push(line)
      if (lines.length === 2) break
    }
    expect(lines).toStrictEqual(["line 1", "line 2"])
    expect(reasons).toStrictEqual([away.detail, away.detail])
  })

  it("come from an older server, too, which doesn't know batches and refuses the parameter", async () => {
    const detail = 'Unknown query parameter "batched". Use one of follow, since, revision, tail, cursor, limit.'
    const errors = [{ parameter: "batched", in: "query" as const, code: "unknown_field", detail }]
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (request, response) => {
        if (request.query.has("batched")) return problem(response, new InvalidRequest({ detail, errors }))
        openStream(response)
        const last = Number(request.headers["last-event-id"] ?? 0)
        sendEntry(response, entry(last + 1))
        if (last === 0) setTimeout(() => response.destroy(), 50)
        else response.end()
      }
    })
    const lines: Array<string> = []
    for await (const { line } of createClient({ apiUrl: server.url }).logs("api", { tail: 5 })) lines.push(line)
    expect(lines).toStrictEqual(["line 1", "line 2"])
    const asked = server.received.slice(1).map(({ query }) => String(query))
    expect(asked).toStrictEqual(["tail=5&batched=true", "tail=5", ""])
  })

  it("fail if a server refuses a parameter that the caller gave", async () => {
    const errors = [{ parameter: "tail", in: "query" as const, code: "invalid_value", detail: "Use fewer." }]
    await using server = await fakeServer({
      "GET /api/v1/services": list,
      [logsPath]: (_, response) => problem(response, new InvalidRequest({ detail: "tail: Use fewer.", errors }))
    })
    const read = async () => {
      for await (const _ of createClient({ apiUrl: server.url }).logs("api", { tail: 5 })) expect.unreachable("nothing")
    }
    expect(await failureOf(read())).toMatchObject({ _tag: "InvalidRequest", errors })
    expect(server.received).toHaveLength(2)
  })

  it("continue when followed, even if the server stops, until the reader has enough", async () => {
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
    expect(lines).toStrictEqual(["line 1", "line 2", "line 3"])
    await closed
  })

  it("end when the signal aborts, with its reason, or when the client closes", async () => {
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
    expect(await failureOf(read(logs, () => controller.abort(reason)))).toBe(reason)
    const closed: unknown = await failureOf(read(client.logs("api", { follow: true }), () => void client.close()))
    expect(closed instanceof DOMException ? closed.name : "").toBe("AbortError")
    expect((await failureOf(client.info())).message).toBe("the client was closed")
  })

  it("report an error after the first line", async () => {
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
      for await (const _ of createClient({ apiUrl: server.url }).logs("api")) expect.unreachable("no line was sent")
    }
    expect((await failureOf(read()))._tag).toBe("InternalError")
  })

  it("fail with NotFound for a missing service", async () => {
    await using server = await fakeServer({
      "GET /api/v1/services": (_, response) => json(response, 200, [])
    })
    const error = await failureOf(createClient({ apiUrl: server.url }).services.get("api"))
    expect(error._tag).toBe("NotFound")
    expect(error.message).toContain('there is no service "api" in stage "production"')
  })
})

describe("connection failures", () => {
  it("says how to start a server if none answers", async () => {
    const server = await fakeServer({})
    await server[Symbol.asyncDispose]()
    const client = createClient({ apiUrl: server.url })
    for (const call of [client.info, () => client.deploy(spec), () => client.deployments.get(deploymentId)]) {
      const error = await failureOf(call())
      expect(error._tag).toBe("NotReachable")
      expect(error.message).toContain(
        `no max-cloud server answers at ${server.url} (connection refused): start it with \`maxcloud server\``
      )
    }
    const read = async () => {
      for await (const _ of client.deployments.events(deploymentId)) expect.unreachable("nothing can come")
    }
    expect((await failureOf(read()))._tag).toBe("NotReachable")
  })

  it("gives up on a server that accepts the connection and never answers", async () => {
    let requests = 0
    await using server = await fakeServer({
      "GET /api/v1/services": () => void requests++,
      [deployPath]: () => void requests++,
      [eventsPath]: () => void requests++
    })
    const client = createClient({ apiUrl: server.url, timeoutSeconds: 0.05 })
    const read = async () => {
      for await (const _ of client.deployments.events(deploymentId)) expect.unreachable("nothing can come")
    }
    for (const attempt of [() => client.services.list(), () => client.deploy(spec), read]) {
      const error = await failureOf(attempt())
      if (error._tag !== "NotReachable") return expect.unreachable(error._tag)
      expect(error.code).toBe("NO_ANSWER")
      expect(error.message).toContain(`no answer from the max-cloud server at ${server.url} within 0.05 s: `)
    }
    // A deploy isn't retried here, since that would only wait longer.
    expect(requests).toBeLessThanOrEqual(3)
    expect(() => createClient({ timeoutSeconds: 0 })).toThrow(/timeoutSeconds is 0/)
  })

  it("rejects an invalid URL", async () => {
    expect((await failureOf(createClient({ apiUrl: "localhost:8080" }).info())).message).toContain(
      "isn't the URL of a server"
    )
  })

  it("says that the connection broke in the middle of a response", async () => {
    await using server = await fakeServer({
      "GET /api/v1/info": (_, response) => {
        response.writeHead(200, { "content-type": "application/json", "content-length": "100" }).write("{")
        setTimeout(() => response.destroy(), 20)
      }
    })
    expect((await failureOf(createClient({ apiUrl: server.url }).info()))._tag).toBe("NotReachable")
  })

  it("never shows a password in the URL", async () => {
    const error = await failureOf(createClient({ apiUrl: "http://ada:pass-word@127.0.0.1:1" }).info())
    expect(error._tag).toBe("NotReachable")
    expect(inspect(error)).not.toContain("pass-word")
  })

  it("shows the response of a proxy in front of the server", async () => {
    const html: Route = (_, response) => response.writeHead(502).end("<html><h1>502 Bad Gateway</h1></html>")
    await using server = await fakeServer({
      "GET /api/v1/info": html,
      "GET /api/v1/services": (_, response) => response.end("hi")
    })
    const client = createClient({ apiUrl: server.url })
    const error = await failureOf(client.info())
    expect(error._tag).toBe("UnexpectedAnswer")
    expect(error.message).toContain("(status 502): <html><h1>502 Bad Gateway")
    expect((await failureOf(client.services.list()))._tag).toBe("UnexpectedAnswer")
    expect((await failureOf(client.apps.list()))._tag).toBe("UnexpectedAnswer")
  })

  it("refuses invalid names before sending anything", async () => {
    await using server = await fakeServer({ [`GET /api/v1/deployments/${deploymentId}`]: get })
    const client = createClient({ apiUrl: server.url })
    expect((await failureOf(client.services.delete("API")))._tag).toBe("InvalidRequest")
    expect((await failureOf(client.secrets.set("shop", "a-b", "v")))._tag).toBe("InvalidRequest")
    expect(server.received).toHaveLength(0)
    expect((await client.deployments.get(deploymentId)).status.state).toBe("succeeded")
  })
})
