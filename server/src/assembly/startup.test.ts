import { request } from "node:http"
import { createServer } from "node:net"
import { describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { embedded } from "./index.ts"

const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer().once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => (address !== null && typeof address === "object" ? resolve(address.port) : reject(address)))
    })
  })

/** The answer to a service's caller. undefined: the connection was refused. */
const visit = (port: number) =>
  new Promise<string | undefined>((resolve) => {
    request(
      { host: "127.0.0.1", port, headers: { host: `web--local.localhost:${port}` }, agent: false },
      (response) => {
        response.resume()
        const { "retry-after": after } = response.headers
        resolve(`${response.statusCode}${after === undefined ? "" : `, again after ${after} s`}`)
      }
    )
      .on("error", () => resolve(undefined))
      .end()
  })

describe("while the server starts", () => {
  it("asks callers of services to retry, and never answers 404", async () => {
    const port = await freePort()
    const answers: Array<string | undefined> = []
    const starting = embedded({ dataDir: temporaryFolder("maxcloud-startup-"), port })
    let done = false
    void starting.finally(() => {
      done = true
    })
    while (!done) {
      const answer = await visit(port)
      // A request sent before the start finished may be answered after it.
      if (!done) answers.push(answer)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await using cloud = await starting
    const told = [...new Set(answers.filter((answer) => answer !== undefined))]
    expect(told[0]).toBe("503, again after 1 s")
    // As soon as the routes are known, before the whole server is ready.
    expect(told.length === 1 || (told.length === 2 && told[1] === "404"), told.join("; ")).toBe(true)
    expect(await visit(port)).toBe("404")
    expect(cloud.url).toContain(String(port))
  })
})
