import { createServer, request } from "node:http"

export interface Recorded {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly body: string
}

/**
 * Forwards requests to a server that trusts 127.0.0.1 as a proxy, and records every response. Each request seems to come from another
 * address, so that limits per address refuse none.
 */
export const recordingProxy = async (target: string) => {
  const { hostname, port } = new URL(target)
  let recorded: Array<Recorded> = []
  let sent = 0
  const server = createServer((incoming, answer) => {
    const address = `10.${(sent >> 16) & 255}.${(sent >> 8) & 255}.${sent & 255}`
    sent++
    const { method = "GET", url: path = "/" } = incoming
    // Don't forward hop-by-hop header fields.
    const { connection: _, "x-forwarded-for": __, ...headers } = incoming.headers
    const onward = request(
      { host: hostname, port, method, path, headers: { ...headers, "x-forwarded-for": address } },
      (response) => {
        const chunks: Array<Buffer> = []
        response.on("data", (chunk: Buffer) => chunks.push(chunk))
        response.on("error", () => answer.destroy())
        response.on("end", () => {
          const status = response.statusCode ?? 0
          recorded.push({ method, path, status, body: Buffer.concat(chunks).toString("utf8") })
        })
        const { connection: ___, ...answered } = response.headers
        answer.writeHead(response.statusCode ?? 500, answered)
        response.pipe(answer)
      }
    )
    onward.on("error", () => answer.destroy())
    answer.on("close", () => onward.destroy())
    incoming.on("error", () => onward.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("The proxy doesn't listen on a port.")
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** Returns the responses since the last call. */
    take: (): ReadonlyArray<Recorded> => {
      const taken = recorded
      recorded = []
      return taken
    },
    stop: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}
