import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { ApiError, Deployment, DeploymentEvent, DeploymentId, LogEntry, Service, ServiceId } from "../src/api/index.ts"

/** A fake server: canned responses in the contract's shapes, and faults that a real server can't produce on demand. */

export const deploymentId = DeploymentId.make(`dep_${"1".repeat(32)}`)
export const serviceId = ServiceId.make(`svc_${"2".repeat(32)}`)
const now = "2026-01-01T00:00:00.000Z"

export const deployment = (state: Deployment["status"]["state"]): Deployment => ({
  id: deploymentId,
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  number: 7,
  kind: "deploy",
  fromDeployment: null,
  createdBy: null,
  message: null,
  metadata: {},
  status: { state, reason: "Reason", message: "as the test wants it" },
  services: [
    {
      name: ServiceName.make("api"),
      action: "create",
      state: state === "failed" ? "failed" : "ready",
      revision: "api-00001",
      image: null,
      url: null,
      reason: "",
      message: state === "failed" ? "exit code 1" : "",
      logTail: [],
      diagnosis: null
    }
  ],
  warnings: [],
  createdAt: now,
  startedAt: now,
  finishedAt: null
})

export const service: Service = {
  id: serviceId,
  name: ServiceName.make("api"),
  app: AppName.make("shop"),
  stage: StageName.make("production"),
  organization: "local",
  spec: { name: "api", image: "nginx:1.27" },
  status: {
    state: "ready",
    url: "http://api--local.localhost:8080",
    digest: null,
    conditions: [],
    latestCreatedRevision: null,
    latestReadyRevision: null,
    traffic: [],
    diagnosis: null,
    instances: 1
  },
  deployment: 7,
  suspension: null,
  createdAt: now,
  updatedAt: now
}

export const event = (
  id: number,
  type: DeploymentEvent["type"],
  state?: Deployment["status"]["state"]
): DeploymentEvent => ({
  id,
  at: now,
  type,
  service: null,
  reason: "",
  message: type,
  deployment: state === undefined ? null : deployment(state)
})

export const entry = (cursor: number): LogEntry => ({
  cursor: String(cursor),
  at: now,
  service: ServiceName.make("api"),
  revision: "api-00001",
  instance: "api-00001-x",
  stream: "stdout",
  line: `line ${cursor}`,
  truncated: false
})

export const encodeDeployment = Schema.encodeSync(Deployment)
export const encodeService = Schema.encodeSync(Service)

export const json = (response: ServerResponse, status: number, body: unknown) => {
  response.writeHead(status, { "content-type": "application/json" })
  response.end(JSON.stringify(body))
}

export const problem = (response: ServerResponse, error: ApiError) =>
  json(response, error.status, Schema.encodeSync(ApiError)(error))

export const openStream = (response: ServerResponse) => {
  response.writeHead(200, { "content-type": "text/event-stream" })
  response.write(": connected\n\n")
}
export const sendEvent = (response: ServerResponse, event: DeploymentEvent) =>
  response.write(
    `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(Schema.encodeSync(DeploymentEvent)(event))}\n\n`
  )
export const sendEntry = (response: ServerResponse, entry: LogEntry) =>
  response.write(`id: ${entry.cursor}\nevent: log\ndata: ${JSON.stringify(Schema.encodeSync(LogEntry)(entry))}\n\n`)

/** A failure within a stream, which ends it. */
export const sendProblem = (response: ServerResponse, error: ApiError) =>
  response.end(`event: error\ndata: ${JSON.stringify(Schema.encodeSync(ApiError)(error))}\n\n`)

export interface Received {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

export type Route = (request: Received, response: ServerResponse, raw: IncomingMessage) => void

/** Routes are `"GET /path"`. Anything else gets a plain 404. */
export const fakeServer = async (routes: Readonly<Record<string, Route>>) => {
  const received: Array<Received> = []
  const server = createServer(async (raw, response) => {
    const url = new URL(raw.url ?? "/", "http://fake")
    const chunks: Array<Buffer> = []
    for await (const chunk of raw) chunks.push(chunk)
    const method = raw.method ?? ""
    const request = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: raw.headers,
      body: Buffer.concat(chunks)
    }
    received.push(request)
    const route = routes[`${method} ${url.pathname}`]
    if (route === undefined) response.writeHead(404).end()
    else route(request, response, raw)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    received,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      })
  }
}
