import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { askByHost } from "./askByHost.ts"

const tls = { ca: undefined, cert: undefined, key: undefined, servername: undefined, rejectUnauthorized: undefined }

/** A fake API server, without TLS. */
const against = (answer: (request: IncomingMessage, response: ServerResponse) => void) =>
  Effect.acquireRelease(
    Effect.async<ReturnType<typeof createServer>>((resume) => {
      const server = createServer(answer)
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) =>
      Effect.sync(() => {
        server.close()
        server.closeAllConnections()
      })
  ).pipe(
    Effect.map((server) => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return askByHost(
        {
          server: `http://127.0.0.1:${port}`,
          origin: "test",
          tls,
          proxy: undefined,
          changing: false,
          headers: { authorization: "Bearer x" }
        },
        300
      )
    })
  )

describe("a request with another Host through the API server", () => {
  it.scopedLive("keeps the path, the Host and the credentials, and reads the status", () =>
    Effect.gen(function* () {
      const ask = yield* against(({ headers, url }, response) => {
        response.writeHead(403).end(`${headers.host} ${url} ${headers.authorization}`)
      })
      expect(yield* ask("/api/v1/proxy/", "web.example.com")).toStrictEqual({
        status: 403,
        text: "web.example.com /api/v1/proxy/ Bearer x"
      })
    })
  )

  it.scopedLive("gives up on an answer that trickles, and reads only the start of one without an end", () =>
    Effect.gen(function* () {
      const trickling = yield* against((_, response) => {
        response.writeHead(200)
        const timer = setInterval(() => response.write("."), 50)
        response.on("close", () => clearInterval(timer))
      })
      expect((yield* Effect.flip(trickling("/", "a"))).message).toBe("no answer within 0.3 s")
      const endless = yield* against((_, response) => {
        response.writeHead(200)
        response.write("x".repeat(10_000))
      })
      expect(yield* endless("/", "a")).toStrictEqual({ status: 200, text: "x".repeat(4_096) })
    })
  )

  it.scopedLive("gives up on a server that doesn't answer, or isn't there", () =>
    Effect.gen(function* () {
      const ask = yield* against(() => {})
      expect((yield* Effect.flip(ask("/", "a"))).message).toBe("no answer within 0.3 s")
      const nowhere = askByHost(
        { server: "http://127.0.0.1:1", origin: "test", tls, proxy: undefined, changing: false, headers: {} },
        300
      )
      expect((yield* Effect.flip(nowhere("/", "a"))).message).toMatch(/ECONNREFUSED/)
    })
  )
})
