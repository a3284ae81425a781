import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** How the first part of a repository's name affects its layers. */
export type Behaviour = "hangs" | "limits" | "slow" | "works"

export interface GatedRegistry {
  /** `127.0.0.1:<port>`, over plain HTTP. */
  readonly host: string
  /** Layers requested so far, as `/v2/works/app/blobs/sha256:…`. */
  readonly layers: ReadonlyArray<string>
  /** Layers that hang now. */
  readonly hanging: () => number
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

const behaviourOf = (path: string): Behaviour => {
  const [, found] = /^\/v2\/(hangs|limits|slow)\//.exec(path) ?? []
  return found === "hangs" || found === "limits" || found === "slow" ? found : "works"
}

/**
 * A proxy in front of a registry: its repositories `hangs/…` send the first kilobyte of a layer and no more, `slow/…` send ten
 * pieces of one with a pause after each, and `limits/…` answer the first request for a layer with 429 and `Retry-After: 3`.
 */
export const startGatedRegistry = async (upstream: string): Promise<GatedRegistry> => {
  const layers: Array<string> = []
  const limited = new Set<string>()
  let hanging = 0
  const server = createServer((incoming, response) => {
    const path = incoming.url ?? ""
    const behaviour = behaviourOf(path)
    const isBlob = incoming.method === "GET" && path.includes("/blobs/")
    if (isBlob && behaviour === "limits" && !limited.has(path)) {
      limited.add(path)
      response.writeHead(429, { "retry-after": "3" }).end()
      return
    }
    const { method, headers } = incoming
    const [host, port] = upstream.split(":")
    const forwarded = request({ host, port, method, path, headers: { ...headers, host: upstream } }, async (answer) => {
      const body = Buffer.concat(await answer.toArray())
      // Cancelled while the registry was asked.
      if (response.destroyed) return
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      // Configurations are blobs too, but small.
      const isLayer = isBlob && body.length > 100_000
      if (isLayer) layers.push(path)
      if (!isLayer || behaviour === "works" || behaviour === "limits") {
        response.end(body)
      } else if (behaviour === "hangs") {
        hanging++
        response.once("close", () => hanging--)
        response.write(body.subarray(0, 1024))
      } else {
        const piece = Math.ceil(body.length / 10)
        for (let from = 0; from < body.length && !response.destroyed; from += piece) {
          response.write(body.subarray(from, from + piece))
          await sleep(600)
        }
        response.end()
      }
    })
    forwarded.on("error", () => response.destroy())
    incoming.pipe(forwarded)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    layers,
    hanging: () => hanging,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
