/** The processes of the proxy benchmark. The argument selects one, which prints its port. */
import { Agent, createServer, request, type Server } from "node:http"
import { makeFront } from "../../server/src/base/proxy/makeFront.ts"

const [part, instance] = process.argv.slice(2)
const instancePort = Number(instance)

const listen = (server: Server) =>
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    if (address !== null && typeof address === "object") console.log(`port ${address.port}`)
  })

/** The service. Its response is small, like most. */
const instancePart = () =>
  listen(
    createServer((_, response) => {
      response.setHeader("content-type", "text/plain")
      response.end("hello world")
    })
  )

/** The peer: a proxy that you write in ten lines. */
const plain = () => {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  listen(
    createServer((incoming, response) => {
      const { headers, method, url } = incoming
      const outgoing = request(
        { host: "127.0.0.1", port: instancePort, path: url, ...(method && { method }), headers, agent },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(response)
        }
      )
      incoming.pipe(outgoing)
    })
  )
}

const ours = async () => {
  const lease = {
    host: "127.0.0.1",
    port: instancePort,
    release: () => {},
    answered: () => {},
    overdue: () => {},
    failed: () => {}
  }
  const route = { key: "bench", protocol: "http1", timeoutMs: 30_000, acquire: () => lease } as const
  const front = await makeFront({
    host: "127.0.0.1",
    port: 0,
    lookup: () => route,
    isApiHost: (host) => host === "api.localhost",
    api: createServer()
  })
  console.log(`port ${front.address.port}`)
}

if (part === "instance") instancePart()
else if (part === "plain") plain()
else await ours()
