import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, request } from "node:http"
import { connect as connectHttp2 } from "node:http2"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import { metricNames, metricRow } from "../base/telemetry/metricTable.ts"
import { type Embedded, embedded } from "./index.ts"

const app = `
import { createServer } from "node:http"
const server = createServer((request, response) => response.end("hello from " + process.env.K_SERVICE + " for " + process.env.WHO))
server.listen(process.env.PORT, () => { console.log("line 1"); console.log("line 2"); console.log("line 3") })
process.on("SIGTERM", () => server.close())
`

/** Resolves the service's host, as browsers and curl do: Node doesn't resolve `*.localhost`. */
const visit = (url: string) =>
  new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const { host, pathname, port } = new URL(url)
    request({ host: "127.0.0.1", port, path: pathname, headers: { host } }, async (response) => {
      let body = ""
      for await (const chunk of response) body += chunk
      resolve({ status: response.statusCode ?? 0, body })
    })
      .on("error", reject)
      .end()
  })

const call = async (cloud: Embedded, path: string, init: RequestInit = {}) => {
  const response = await fetch(`${cloud.url}${path}`, init)
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === "" ? undefined : JSON.parse(text) }
}

const post = (body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(body)
})

describe("the whole server", () => {
  let cloud: Embedded
  let folder: string
  const spec = () => ({
    apiVersion: "maxcloud.dev/v1" as const,
    app: "shop",
    services: [
      {
        name: "web",
        source: { path: "./web", directory: folder },
        command: [process.execPath, "app.mjs"] as const,
        env: { WHO: "us" }
      }
    ]
  })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "maxcloud-app-"))
    chmodSync(folder, 0o755)
    writeFileSync(join(folder, "app.mjs"), app)
    // The host of these tests' app. No test may change this app.
    vi.stubEnv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/app")
    cloud = await embedded({ inPlace: true })
    vi.unstubAllEnvs()
  })
  afterAll(async () => {
    await cloud[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  it("answers /healthz", async () => {
    const { body, status } = await call(cloud, "/healthz")
    expect([status, body]).toStrictEqual([200, { status: "ok" }])
  })

  it("plans, deploys, follows, and serves on the API's own port", async () => {
    const plan = await call(cloud, "/api/v1/apps/shop/stages/production/plan", post({ spec: spec() }))
    expect([plan.status, plan.body.changes[0].action, plan.body.problems]).toStrictEqual([200, "create", []])

    const init = post({ spec: spec() })
    const headers = { ...init.headers, "idempotency-key": "one" }
    const path = "/api/v1/apps/shop/stages/production/deployments"
    const accepted = await call(cloud, path, { ...init, headers })
    expect(accepted.status).toBe(202)
    const again = await call(cloud, path, { ...init, headers })
    expect(again.body.id).toBe(accepted.body.id)
    const other = await call(cloud, path, { ...post({ spec: { ...spec(), services: [] } }), headers })
    expect([other.status, other.body.code]).toStrictEqual([422, "idempotency_key_reused"])

    const events = await (await fetch(`${cloud.url}/api/v1/deployments/${accepted.body.id}/events`)).text()
    expect(events).toMatch(/event: deployment\ndata: \{.*"type":"finished"/)
    const done = await call(cloud, `/api/v1/deployments/${accepted.body.id}`)
    expect(done.body.status.state, JSON.stringify(done.body)).toBe("succeeded")

    const { url } = done.body.services[0]
    expect(url).toBe(`http://web--shop--local.localhost:${new URL(cloud.url).port}`)
    expect(await visit(url)).toStrictEqual({ status: 200, body: "hello from web for us" })
    expect((await visit(`http://nope--shop--local.localhost:${new URL(cloud.url).port}`)).status).toBe(404)
  })

  it("gives logs as events, resumed without a lost or doubled line", async () => {
    const [service] = (await call(cloud, "/api/v1/services?name=web")).body
    const read = async (headers: Record<string, string>) => {
      const asStream = { accept: "text/event-stream", ...headers }
      const text = await (await fetch(`${cloud.url}/api/v1/services/${service.id}/logs`, { headers: asStream })).text()
      const entries = [...text.matchAll(/id: (.*)\nevent: log\ndata: (.*)\n/g)]
        .map((match) => ({ id: match[1] ?? "", entry: JSON.parse(match[2] ?? "") }))
        .filter((match) => match.entry.stream === "stdout")
      return { ended: text.endsWith("event: end\ndata: {}\n\n"), entries }
    }
    const all = await read({})
    expect(all.ended).toBe(true)
    expect(all.entries.map((entry) => entry.entry.line)).toStrictEqual(["line 1", "line 2", "line 3"])
    const rest = await read({ "last-event-id": all.entries[0]?.id ?? "" })
    expect(rest.entries.map((entry) => entry.entry.line)).toStrictEqual(["line 2", "line 3"])
    const logs = `/api/v1/services/${service.id}/logs`
    const refused = await call(cloud, logs, { headers: { "last-event-id": "no cursor of ours" } })
    expect([refused.status, refused.body.code]).toStrictEqual([400, "invalid_request"])
  })

  it("shows what runs, to people and to Prometheus", async () => {
    const page = await (await fetch(cloud.url)).text()
    expect(page).toMatch(/web--shop--local\.localhost/)
    const metrics = await vi.waitFor(
      async () => {
        const text = await (await fetch(`${cloud.url}/metrics`)).text()
        expect(text).toMatch(/^maxcloud_work_queue_depth 0$/m)
        return text
      },
      { timeout: 20_000, interval: 200 }
    )
    expect(metrics).toMatch(/^maxcloud_deployments\{state="succeeded"\} 1$/m)
    expect(metrics).toMatch(/^maxcloud_instances 1$/m)
    expect(metrics).toMatch(/^maxcloud_proxy_requests_total [1-9]/m)
    expect(metrics).toMatch(/^maxcloud_work_queue_oldest_seconds 0$/m)
    expect(metrics).toMatch(/^maxcloud_ready\{check="queue"\} 1$/m)
    expect(metrics).toMatch(/^maxcloud_deployments_finished_total\{outcome="succeeded"\} [1-9]/m)
    expect(metrics).toMatch(/^maxcloud_reconcile_total\{result="done"\} [1-9]/m)
    expect(metrics).toMatch(/^maxcloud_reconcile_duration_seconds_count [1-9]/m)
    expect(metrics).toMatch(/^maxcloud_leases_held\{work="deployments"\} 0$/m)
    // All of the table's, and no others.
    const types = [...metrics.matchAll(/^# TYPE (maxcloud_\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
    const rows = metricNames.filter((name) => {
      const { of, runtime } = metricRow(name)
      return of.includes("server") && runtime !== "kubernetes" && name !== "maxcloud_diagnoses_total"
    })
    expect(types.sort()).toStrictEqual(rows.map((name) => `${name} ${metricRow(name).type}`).sort())
    expect(metrics).toMatch(
      /^maxcloud_http_requests_total\{method="POST",route="\/api\/v1\/apps\/:app\/stages\/:stage\/plan",status="200"\} 1$/m
    )
  })

  it("is the SDK's server too: streams, secrets, errors", async () => {
    const { client } = cloud
    const lines = []
    for await (const entry of client.logs("web")) if (entry.stream === "stdout") lines.push(entry.line)
    expect(lines).toStrictEqual(["line 1", "line 2", "line 3"])
    await client.secrets.set("shop", "TOKEN", "hunter2")
    expect((await client.secrets.list("shop")).map((each) => [each.name, each.version])).toStrictEqual([["TOKEN", 1]])
    await client.secrets.unset("shop", "TOKEN")
    const error = await client.services.get("nope").catch((cause) => cause)
    expect(error._tag).toBe("NotFound")
    const refused = await client.services.create({ name: "shop", image: "nginx:latest" }).catch((cause) => cause)
    expect(refused._tag).toBe("Conflict")
  })

  it("speaks HTTP/2 with prior knowledge, and refuses data that isn't HTTP", async () => {
    const session = connectHttp2(cloud.url)
    const answer = (headers: Record<string, string>) =>
      new Promise<{ readonly status: unknown; readonly body: string }>((resolve, reject) => {
        const stream = session.request(headers)
        let status: unknown
        let body = ""
        stream.on("response", (headers) => {
          status = headers[":status"]
        })
        stream.setEncoding("utf8").on("data", (chunk) => {
          body += chunk
        })
        stream.on("end", () => resolve({ status, body })).on("error", reject)
      })
    expect(await answer({ ":path": "/healthz" })).toStrictEqual({ status: 200, body: `{"status":"ok"}` })
    expect((await answer({ ":path": "/healthz", ":authority": "evil.example" })).status).toBe(403)
    session.close()

    const raw = (bytes: string) =>
      new Promise<string>((resolve, reject) => {
        const socket = connect(Number(new URL(cloud.url).port), "127.0.0.1", () => socket.write(bytes))
        let text = ""
        socket.setEncoding("latin1").on("data", (chunk) => {
          text += chunk
        })
        socket.on("close", () => resolve(text)).on("error", reject)
      })
    expect(await raw("nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 .*\r\ncontent-type: application\/problem\+json/)
    const large = await raw(`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${"a".repeat(80_000)}\r\n\r\n`)
    expect(large).toMatch(/^HTTP\/1\.1 431 .*\r\ncontent-type: application\/problem\+json/)
  })

  it("deletes a service at once, and its instances and host soon after", async () => {
    const [service] = (await call(cloud, "/api/v1/services")).body
    const path = `/api/v1/services/${service.id}`
    const deleted = await call(cloud, path, { method: "DELETE" })
    expect([deleted.status, deleted.body]).toStrictEqual([204, undefined])
    const [, deployment = ""] =
      /^<\/api\/v1\/deployments\/(dep_[0-9a-f]{32})>; rel="monitor"$/.exec(deleted.headers.get("link") ?? "") ?? []
    // Before any of its instances has stopped.
    expect((await call(cloud, "/api/v1/services")).body).toStrictEqual([])
    expect((await call(cloud, path)).status).toBe(404)
    for (const [method, more] of [
      ["DELETE", ""],
      ["POST", "/pause"],
      ["POST", "/restart"],
      ["GET", "/logs"]
    ] as const) {
      expect((await call(cloud, `${path}${more}`, { method })).status, `${method} ${more}`).toBe(404)
    }
    expect((await cloud.client.waitFor(deployment)).status.state).toBe("succeeded")
    expect((await visit(`http://web--shop--local.localhost:${new URL(cloud.url).port}`)).status).toBe(404)
  })

  it("doesn't start if the port is in use, and names the process that holds it", async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve))
    const address = holder.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const error = await embedded({ port }).catch((cause) => cause)
    holder.close()
    expect(error._tag).toBe("ServerError")
    expect(error.reason).toBe("portTaken")
    expect(error.message).toMatch(new RegExp(`port ${port} on 127\\.0\\.0\\.1 is in use.*--port`))
    if (process.platform === "linux") expect(error.message).toContain(`process ${process.pid}`)
  })

  it("runs twice in a process, and neither leaves anything behind", async () => {
    const dataDir = mkdtempSync(join(tmpdir(), "maxcloud-kept-"))
    {
      await using second = await embedded({ dataDir })
      expect(second.url).not.toBe(cloud.url)
      expect(await second.client.services.list()).toStrictEqual([])
      await second.client.secrets.set("shop", "KEPT", "yes")
      expect(await cloud.client.secrets.list("shop")).toStrictEqual([])
    }
    {
      await using again = await embedded({ dataDir })
      expect((await again.client.secrets.list("shop")).length).toBe(1)
    }
    expect(existsSync(dataDir)).toBe(true)
    rmSync(dataDir, { recursive: true, force: true })
  })
})
