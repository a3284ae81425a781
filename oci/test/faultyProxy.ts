import { createServer as createHttpServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import { connect, createServer, type Server, type Socket } from "node:net"

const listen = async (server: Server) => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("no port")
  return `127.0.0.1:${address.port}`
}

const partsOf = (host: string) => {
  const [hostname = "", port = ""] = host.split(":")
  return { host: hostname, port: Number(port) }
}

/**
 * A TCP proxy before a registry that cuts connections after so many bytes from the client: each number once, for one connection
 * after the other.
 */
export const startCuttingProxy = async (upstream: string, cuts: Array<number>) => {
  const open = new Set<Socket>()
  let count = 0
  const server = createServer((client) => {
    const registry = connect(partsOf(upstream))
    for (const socket of [client, registry]) {
      open.add(socket)
      socket
        .on("error", () => undefined)
        .on("close", () => {
          open.delete(socket)
          client.destroy()
          registry.destroy()
        })
    }
    registry.pipe(client)
    let bytes = 0
    client.on("data", (chunk) => {
      bytes += chunk.length
      const [cut] = cuts
      if (cut !== undefined && bytes > cut) {
        cuts.shift()
        count++
        client.destroy()
        // What has arrived is stored.
        registry.end()
        return
      }
      if (!registry.write(chunk)) {
        client.pause()
        registry.once("drain", () => client.resume())
      }
    })
  })
  return {
    host: await listen(server),
    cut: () => count,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}

/** An HTTP proxy before a registry. `answer` may answer in its place: then it returns true. Bodies pass as they arrive. */
export const startAnsweringProxy = async (
  upstream: string | (() => string),
  answer: (incoming: IncomingMessage, response: ServerResponse) => boolean
) => {
  const asked: Array<string> = []
  const server = createHttpServer((incoming, response) => {
    asked.push(`${incoming.method} ${incoming.url?.replace(/\?.*/, "")}`)
    if (answer(incoming, response)) return
    const { headers, method, url } = incoming
    const to = typeof upstream === "string" ? upstream : upstream()
    const forwarded = request({ ...partsOf(to), method, path: url, headers }, (found) => {
      response.writeHead(found.statusCode ?? 502, found.headers)
      found.pipe(response)
    })
    forwarded.on("error", () => response.destroy())
    incoming.pipe(forwarded)
  })
  return {
    host: await listen(server),
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
}
