import { EventEmitter, once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { Duplex } from "node:stream"
import { ServiceName, StageName } from "@maxcloud/config-schema"
import { createClient } from "@maxcloud/sdk"
import { Conflict, ServiceId } from "@maxcloud/sdk/api"
import { Effect, Redacted } from "effect"
import type { Happening } from "../../src/tenancy/audit/Audit.ts"
import { shop } from "../deployments/testServer.ts"
import { type TestApiOptions, testApi, testLocalToken } from "./testApi.ts"

const id = ServiceId.make(`svc_${"0".repeat(32)}`)
const now = "2026-01-01T00:00:00.000Z"
export const portService = {
  id,
  name: ServiceName.make("web"),
  app: shop,
  stage: StageName.make("production"),
  organization: "local",
  spec: { name: "web", image: "nginx:1.27" },
  status: {
    state: "ready",
    url: null,
    digest: null,
    conditions: [],
    latestCreatedRevision: null,
    latestReadyRevision: null,
    traffic: [],
    diagnosis: null,
    instances: 1
  },
  deployment: 1,
  suspension: null,
  createdAt: now,
  updatedAt: now
} as const

/** A program of an instance that handles each connection. */
const program = (handle: (socket: Socket) => void, changes: EventEmitter) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const open = new Set<Socket>()
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        open.add(socket)
        socket
          .on("error", () => socket.destroy())
          .once("close", () => {
            open.delete(socket)
            changes.emit("change")
          })
        handle(socket)
      })
      server.listen(0, "127.0.0.1")
      await once(server, "listening")
      return { server, open, port: (server.address() as AddressInfo).port }
    }),
    ({ open, server }) =>
      Effect.sync(() => {
        for (const socket of open) socket.destroy()
        server.close()
      })
  )

/** An API whose only instance is the program, and a client of it. */
export const servedPort = (handle: (socket: Socket) => void, more: Partial<TestApiOptions> = {}) =>
  Effect.gen(function* () {
    const told: Array<Happening> = []
    const changes = new EventEmitter()
    const { open, port } = yield* program(handle, changes)
    const { draining, url } = yield* testApi({
      services: {
        get: () => Effect.succeed(portService),
        page: () => Effect.succeed({ items: [portService], next: null }),
        openPort: () =>
          Effect.acquireRelease(
            Effect.async<Socket, Conflict>((resume) => {
              const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true })
              socket.once("connect", () => resume(Effect.succeed(socket)))
              socket.once("error", (error) => resume(new Conflict({ detail: error.message })))
            }),
            (socket) => Effect.sync(() => socket.destroy())
          ).pipe(Effect.map((connection) => ({ connection, instance: "web-1" })))
      },
      audit: {
        append: (...all) =>
          Effect.sync(() => {
            told.push(...all)
            changes.emit("change")
          })
      },
      ...more
    })
    const client = createClient({ apiUrl: url, token: Redacted.value(testLocalToken) })
    yield* Effect.addFinalizer(() => Effect.promise(() => client.close()))
    const openPort = async () => {
      const connection = await client.services.openPort("web", 5432)
      return { ...connection, socket: Duplex.fromWeb(connection, { allowHalfOpen: true }) }
    }
    /** Resolves once this is so, after connections of the program have closed or the audit log has grown. */
    const until = async (is: () => boolean) => {
      while (!is()) await once(changes, "change")
    }
    return { client, draining, open, openPort, told, until, url }
  })
