import { connect } from "node:net"
import { afterEach, describe, expect, it } from "@effect/vitest"
import { frontTo, http1Instance, rawExchange, serviceHost, TestRoute } from "../../../test/proxy/testing.ts"
import type { Front } from "./makeFront.ts"

const ends: Array<() => unknown> = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** An instance that only answers `/`. */
const make = async (): Promise<{ readonly front: Front; readonly route: TestRoute }> => {
  const { port, server } = await http1Instance((request, response) => {
    if (request.url === "/") response.end("hello")
  })
  const route = new TestRoute([port], { timeoutMs: 300 })
  const front = await frontTo(route)
  ends.push(
    () => front.close(0),
    () => server.closeAllConnections(),
    () => server.close()
  )
  return { front, route }
}
const asks = (path: string) => `GET ${path} HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\n\r\n`

describe("an instance's standing", () => {
  it("counts each answer, and each late one", async () => {
    const { front, route } = await make()
    await rawExchange(front.address.port, asks("/"))
    expect([route.answers, route.overdues, route.failures]).toEqual([1, 0, 0])
    expect(await rawExchange(front.address.port, asks("/never"))).toContain(" 504 ")
    expect([route.answers, route.overdues, route.failures]).toEqual([1, 1, 0])
  })

  it("doesn't suffer from a caller who sends too slowly", async () => {
    const { front, route } = await make()
    const text = await new Promise<string>((resolve) => {
      let found = ""
      const socket = connect(front.address.port, "127.0.0.1")
      socket.on("data", (chunk) => {
        found += chunk.toString()
      })
      socket.on("close", () => resolve(found))
      socket.on("error", () => undefined)
      socket.write(
        `POST /never HTTP/1.1\r\nHost: ${serviceHost}\r\nConnection: close\r\nContent-Length: 100\r\n\r\nabc`
      )
    })
    expect(text).toContain(" 504 ")
    expect([route.answers, route.overdues, route.failures]).toEqual([0, 0, 0])
  })
})
