import { createServer as createHttp } from "node:http"
import { createServer as createHttp2 } from "node:http2"
import { createServer as createHttps } from "node:https"
import { type AddressInfo, createServer, type Server, type Socket } from "node:net"
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@effect/vitest"
import { privateAuthority } from "../../../../../../sdk/test/testProxy.ts"
import { noneSpeaksHttp, notHttp } from "../../../diagnosis/listening.ts"
import { watchHealth } from "./health.ts"
import { speaksOtherwise, speechOf } from "./speech.ts"

const open: Array<Server> = []
const sockets = new Set<Socket>()
const listen = async (server: Server): Promise<number> => {
  open.push(server)
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("error", () => undefined).on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return (server.address() as AddressInfo).port
}
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  for (const server of open.splice(0)) server.close()
})

const hear = async (server: Server, timeoutMs = 2_000) =>
  speechOf({ host: "127.0.0.1", port: await listen(server), timeoutMs })
/** Answers each caller like this, at once (`greeting`) or after its first message. */
const raw = (answer: string | Buffer | undefined, when: "greeting" | "answer" = "answer") =>
  createServer((socket) => {
    const say = () => {
      if (answer === undefined) socket.end()
      else socket.write(answer)
    }
    if (when === "greeting") say()
    else socket.once("data", say)
  })

describe("the protocol of a program on its port", () => {
  let authority: ReturnType<typeof privateAuthority>
  beforeAll(() => {
    authority = privateAuthority("127.0.0.1")
  })
  afterAll(() => authority.remove())

  it("is HTTP, without a request to its handler", async () => {
    let requests = 0
    expect(await hear(createHttp(() => requests++))).toEqual({ said: "http", protocol: "http1" })
    expect(requests).toBe(0)
    expect(await hear(createHttp2())).toEqual({ said: "http", protocol: "h2c" })
    expect(await hear(raw("HTTP/1.0 200 OK\r\n\r\n"))).toEqual({ said: "http", protocol: "http1" })
  })

  it("is compared with the declared one, and a program that speaks both is right either way", async () => {
    const target = async (server: Server) => ({ host: "127.0.0.1", port: await listen(server), timeoutMs: 2_000 })
    const [http1, http2] = [await target(createHttp()), await target(createHttp2())]
    expect(await speaksOtherwise(http1, "http1")).toBe(false)
    expect(await speaksOtherwise(http1, "h2c")).toBe(true)
    expect(await speaksOtherwise(http2, "http1")).toBe(true)
    expect(await speaksOtherwise(http2, "h2c")).toBe(false)
    const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])
    const closing = createServer((socket) => {
      socket.once("data", (data) => (data.toString().startsWith("PRI ") ? socket.write(settings) : socket.destroy()))
    })
    expect(await speaksOtherwise(await target(closing), "http1")).toBe(true)
    expect(await speaksOtherwise(await target(raw(undefined)), "http1")).toBe(false)
    const both = createServer((socket) => {
      socket.once("data", (data) =>
        socket.write(data.toString().startsWith("PRI ") ? settings : "HTTP/1.1 400 no\r\n\r\n")
      )
    })
    const port = await target(both)
    expect([await speaksOtherwise(port, "http1"), await speaksOtherwise(port, "h2c")]).toEqual([false, false])
  })

  it.each<[string, Server, string]>([
    [
      "Redis",
      raw("-ERR wrong number of arguments for 'get' command\r\n"),
      `"-ERR wrong number of arguments for 'get' command"`
    ],
    ["memcached", raw("ERROR\r\n"), '"ERROR"'],
    ["SSH", raw("SSH-2.0-OpenSSH_9.2\r\n", "greeting"), '"SSH-2.0-OpenSSH_9.2"'],
    ["MySQL", raw(Buffer.from("4a0000000a382e302e3336000800000000", "hex"), "greeting"), "something that isn't text"]
  ])("is not HTTP: %s", async (_, server, first) => {
    const speech = await hear(server)
    expect(speech).toEqual({ said: "other", first })
    expect(notHttp(6379, speech, "image")).toMatchObject({
      code: "NotHttp",
      message: `the program doesn't speak HTTP on port 6379: it sent ${first}`
    })
  })

  it("is TLS, in whichever way it refuses plain HTTP", async () => {
    const refusing = "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    for (const server of [raw(refusing), raw(Buffer.from([0x15, 3, 1, 0, 2, 2, 70, 0, 0, 0]))])
      expect(await hear(server)).toEqual({ said: "tls" })
    const speech = await hear(createHttps(authority.tls))
    // Node closes such a connection silently.
    expect(["tls", "closed"]).toContain(speech.said)
    expect(notHttp(8443, { said: "tls" }, "image")?.message).toContain("speaks TLS on port 8443")
  })

  it("is unknown if the program is silent or missing", async () => {
    expect(await hear(raw(undefined))).toEqual({ said: "closed" })
    expect(await hear(createServer(), 100)).toEqual({ said: "unknown" })
    const port = await listen(createServer())
    await new Promise((resolve) => open.pop()?.close(resolve))
    expect((await speechOf({ host: "127.0.0.1", port, timeoutMs: 100 })).said).toBe("refused")
    for (const said of ["closed", "unknown", "refused", "http"]) expect(notHttp(1, { said }, "image")).toBeUndefined()
    expect(noneSpeaksHttp([1883, 9001]).message).toContain("the ports 1883, 9001")
  })

  it("decides which of several ports receives requests", async () => {
    const redis = await listen(raw("-ERR\r\n-ERR\r\n"))
    const web = await listen(createHttp((_, response) => response.end()))
    const health = await new Promise<{ port: number }>((resolve) => {
      const watched = watchHealth({
        spec: { startup: undefined, readiness: undefined, liveness: undefined, startDeadlineMs: 20_000 },
        hosts: ["127.0.0.1"],
        ports: [redis, web],
        settleMs: 0,
        onReady: (_, port) => {
          watched.stop()
          resolve({ port })
        },
        onDeadline: () => resolve({ port: 0 }),
        onDead: () => undefined
      })
    })
    expect(health.port).toBe(web)
  })
})
