import { readFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { TLSSocket } from "node:tls"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { WebSocketServer } from "ws"
import { privateAuthority, startTestProxy } from "../../../../sdk/test/testProxy.ts"
import { openSocket } from "./openSocket.ts"

const host = "cluster.example.test"

describe("a WebSocket to the API server", () => {
  const authority = privateAuthority(host)
  const server = createServer({ ...authority.tls, requestCert: true, rejectUnauthorized: false })
  const sockets = new WebSocketServer({ server })
  let clientCertificate: string | undefined
  sockets.on("connection", (socket, request) => {
    clientCertificate =
      request.socket instanceof TLSSocket ? String(request.socket.getPeerCertificate().subject?.CN) : undefined
    socket.on("error", () => {})
  })
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)))
  afterAll(() => {
    sockets.close()
    server.close()
    authority.remove()
  })

  it("goes through the kubeconfig's proxy, with the client's certificate", async () => {
    await using proxy = await startTestProxy({
      credentials: "ada:hunter2",
      route: (name, port) => (name === host && port === 443 ? (server.address() as AddressInfo).port : undefined)
    })
    const { cert, key } = authority.tls
    const opened = Effect.map(
      openSocket(
        {
          server: `https://${host}`,
          proxy: proxy.url,
          headers: {},
          tls: { ca: readFileSync(authority.file), cert, key, rejectUnauthorized: undefined, servername: undefined }
        },
        "/api/v1/namespaces/a/pods/b/exec?command=sh",
        []
      ),
      (socket) => socket.readyState
    )
    expect(await Effect.runPromise(Effect.scoped(opened))).toBe(1)
    expect(proxy.asked).toEqual([`CONNECT ${host}:443`])
    expect(clientCertificate).toBe("a server")
  })
})
