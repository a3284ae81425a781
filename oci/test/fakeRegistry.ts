import { createHash, randomUUID } from "node:crypto"
import { createServer } from "node:http"

/**
 * Stands in for registries that keep what they got of a broken request, as the OCI distribution-spec allows: CNCF Distribution
 * doesn't. It breaks the first upload's connection once it has this many bytes.
 */
export const startFakeRegistry = async (breakAt: number) => {
  const uploads = new Map<string, Array<Buffer>>()
  const stored = new Set<string>()
  const ranges: Array<string> = []
  let received = 0
  let broken = false
  const sizeOf = (id: string) => (uploads.get(id) ?? []).reduce((sum, { length }) => sum + length, 0)
  const server = createServer((incoming, response) => {
    const url = new URL(incoming.url ?? "/", "http://localhost")
    const id = url.pathname.split("/").at(-1) ?? ""
    const answer = (status: number, headers: Readonly<Record<string, string>> = {}) =>
      response.writeHead(status, { "content-length": "0", ...headers }).end()
    const here = { location: url.pathname, range: `0-${Math.max(0, sizeOf(id) - 1)}` }
    if (incoming.method === "HEAD") return answer(stored.has(id) ? 200 : 404)
    if (incoming.method === "POST") {
      const made = randomUUID()
      uploads.set(made, [])
      return answer(202, { location: `${url.pathname}${made}`, range: "0-0" })
    }
    if (incoming.method === "GET") return answer(204, here)
    if (incoming.method === "PATCH") {
      ranges.push(String(incoming.headers["content-range"]))
      incoming.on("error", () => undefined)
      incoming.on("data", (chunk: Buffer) => {
        if (incoming.destroyed) return
        uploads.get(id)?.push(chunk)
        received += chunk.length
        if (broken || received < breakAt) return
        broken = true
        incoming.socket.destroy()
      })
      return incoming.on("end", () => answer(202, { location: url.pathname }))
    }
    const digest = url.searchParams.get("digest")
    incoming.resume()
    if (digest === null) return answer(201)
    const content = Buffer.concat(uploads.get(id) ?? [])
    if (`sha256:${createHash("sha256").update(content).digest("hex")}` !== digest) return answer(400)
    stored.add(digest)
    return answer(201)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return {
    host: `127.0.0.1:${address.port}`,
    /** The parts that were sent, as they were declared. */
    ranges,
    received: () => received,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
