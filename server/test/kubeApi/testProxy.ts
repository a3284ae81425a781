import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer as createHttpServer, type RequestListener } from "node:http"
import { connect, createServer, isIP, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { type ClusterCredentials, type ClusterSource, readCredentials } from "../../src/runtimes/kubeApi/connect.ts"

const listening = <S extends Server>(server: S) =>
  Effect.async<number>((resume) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      resume(Effect.succeed(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Connections between us and a cluster that can be cut or blocked. */
export class Wires {
  readonly #sockets = new Set<Socket>()
  #shut = false
  #silenced = new Set<Socket>()
  accepted = 0

  /** From now on existing connections forward nothing, as when a machine vanishes. New ones do. */
  silence() {
    this.#silenced = new Set(this.#sockets)
  }

  /** How many connections to the cluster are open now. */
  get open() {
    return this.#sockets.size / 2
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy()
  }

  shut(shut: boolean) {
    this.#shut = shut
    if (shut) this.cut()
  }

  take(client: Socket, host: string, port: number) {
    if (this.#shut) {
      client.destroy()
      return
    }
    this.accepted++
    const server = connect(port, host)
    for (const [from, to] of [
      [client, server],
      [server, client]
    ] as const) {
      this.#sockets.add(from)
      from.on("data", (piece) => {
        if (!this.#silenced.has(from)) to.write(piece)
      })
      from.on("error", () => to.destroy())
      from.on("close", () => {
        this.#sockets.delete(from)
        to.destroy()
      })
    }
  }
}

/** A folder with one kubeconfig, for the lifetime of the scope. */
export const kubeconfigFile = (content: string) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "maxcloud-kubeconfig-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    ),
    (folder) => {
      const path = join(folder, "config")
      writeFileSync(path, content, { mode: 0o600 })
      return path
    }
  )

const base64 = (value: Buffer | string | undefined) =>
  value === undefined ? undefined : Buffer.from(value).toString("base64")

/** A kubeconfig with one context (JSON is YAML), from `credentials` with some changes. */
export const kubeconfigOf = (
  { headers, server, tls }: ClusterCredentials,
  cluster: Readonly<Record<string, unknown>> = {},
  user: Readonly<Record<string, unknown>> = {}
) => {
  const token = headers["authorization"]?.replace(/^Bearer /, "")
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": base64(tls.ca), ...cluster } }],
    users: [
      {
        name: "test",
        user: {
          ...(tls.cert === undefined ? { token } : { "client-certificate-data": base64(tls.cert) }),
          ...(tls.key === undefined ? {} : { "client-key-data": base64(tls.key) }),
          ...user
        }
      }
    ]
  })
}

/** A cluster through this scope's own proxy: its kubeconfig's path, and the connections. */
export const wiredClusterOf = Effect.fn("wiredClusterOf")(function* (source: ClusterSource) {
  const credentials = yield* Effect.orDie(readCredentials(source))
  const { hostname, port } = new URL(credentials.server)
  const wires = new Wires()
  const proxy = yield* Effect.acquireRelease(
    Effect.sync(() => createServer((client) => wires.take(client, hostname, Number(port === "" ? 443 : port)))),
    (server) =>
      Effect.sync(() => {
        wires.shut(true)
        server.close()
      })
  )
  const here = yield* listening(proxy)
  const path = yield* kubeconfigFile(
    kubeconfigOf(credentials, {
      server: `https://127.0.0.1:${here}`,
      // Every API server's certificate includes the name of its Service.
      "tls-server-name": credentials.tls.servername ?? (isIP(hostname) === 0 ? hostname : "kubernetes")
    })
  )
  return { path, wires }
})

/** The cluster of `KUBECONFIG` through a proxy. */
export const wiredCluster = wiredClusterOf({ type: "standard" })

/** No cluster: a plain HTTP server with scripted answers, for what a real API server doesn't do on demand. */
export const fakeApiServer = (answer: RequestListener) =>
  Effect.gen(function* () {
    const server = yield* Effect.acquireRelease(
      Effect.sync(() => createHttpServer(answer)),
      (server) =>
        Effect.sync(() => {
          server.closeAllConnections()
          server.close()
        })
    )
    const port = yield* listening(server)
    return yield* kubeconfigFile(
      JSON.stringify({
        apiVersion: "v1",
        kind: "Config",
        "current-context": "fake",
        contexts: [{ name: "fake", context: { cluster: "fake", user: "fake" } }],
        clusters: [{ name: "fake", cluster: { server: `http://127.0.0.1:${port}`, "insecure-skip-tls-verify": true } }],
        users: [{ name: "fake", user: { token: "fake" } }]
      })
    )
  })
