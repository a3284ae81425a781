import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { expect, it } from "@effect/vitest"
import { main, makeFolder, run } from "./cli.ts"
import { newerServerSuite } from "./newerServerSuite.ts"

newerServerSuite("this version", async () => ({ program: main, folder: makeFolder({}) }))

it("reports in one line that an older server lacks an operation", async () => {
  const server = createServer(({ url }, response) => {
    if (url === "/api/v1/info") return response.end(JSON.stringify({ version: "0.0.9" }))
    const problem = { type: "/problems/not-found", title: "Not found", status: 404, code: "not_found" }
    const page = { ...problem, resource: "page", resourceName: url, detail: `Nothing found at ${url}.` }
    response.writeHead(404, { "content-type": "application/problem+json" }).end(JSON.stringify(page))
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const apiUrl = `http://127.0.0.1:${port}`
  const { code, stderr } = await run(["list", "--api-url", apiUrl], { env: { MAXCLOUD_API_KEY: "key" } })
  server.close()
  expect(stderr).toMatch(
    new RegExp(`server at ${apiUrl} has version 0\\.0\\.9 and lacks "GET /api/v1/services" of version [\\d.]+\n`)
  )
  expect(stderr).toMatch(/fix: update the server/)
  expect(code).toBe(14)
})
