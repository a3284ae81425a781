import { once } from "node:events"
import { type ClientHttp2Session, connect, createServer, type Http2Server, type ServerHttp2Session } from "node:http2"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { afterEach, assert, beforeEach, describe, expect, it } from "@effect/vitest"
import { whenIdle } from "./http2Idle.ts"

setFlagsFromString("--expose-gc")
const gc: () => void = runInNewContext("gc")

let server: Http2Server
let client: ClientHttp2Session
let session: ServerHttp2Session | undefined

beforeEach(async () => {
  server = createServer()
  await once(server.listen(0, "127.0.0.1"), "listening")
  const address = server.address()
  assert(typeof address === "object" && address !== null)
  const sessions = once(server, "session")
  client = connect(`http://127.0.0.1:${address.port}`)
  client.on("error", () => {})
  session = (await sessions)[0]
  assert(session !== undefined)
  session.on("error", () => {})
})
afterEach(() => {
  client.destroy()
  server.close()
})

describe("an HTTP/2 session", () => {
  it("is idle after some time without an open stream", async () => {
    assert(session !== undefined)
    const idle = new Promise<"idle">((resolve) => {
      assert(session !== undefined)
      session.on(
        "stream",
        whenIdle(session, 30, () => resolve("idle"))
      )
    })
    const streams = once(session, "stream")
    const request = client.request({ ":path": "/" })
    const [stream] = await streams
    // Open for longer than a session may be idle.
    const later = new Promise<"open">((resolve) => setTimeout(() => resolve("open"), 150))
    expect(await Promise.race([idle, later])).toBe("open")
    stream.respond({ ":status": 204 }, { endStream: true })
    request.resume()
    expect(await idle).toBe("idle")
  })

  it("is released when it's closed, long before it would have been idle", async () => {
    assert(session !== undefined)
    whenIdle(session, 600_000, () => {})
    const closed = once(session, "close")
    client.destroy()
    await closed
    const kept = new WeakRef(session)
    session = undefined
    for (let round = 0; round < 20 && kept.deref() !== undefined; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      gc()
    }
    expect(kept.deref()).toBeUndefined()
  })
})
