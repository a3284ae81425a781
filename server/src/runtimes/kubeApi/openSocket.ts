import type { IncomingMessage } from "node:http"
import { Data, Effect } from "effect"
import { WebSocket } from "ws"
import { guardedBy } from "../../base/node/guarded.ts"
import { proxiedAgents } from "../../base/outbound/proxiedConnections.ts"
import type { ClusterCredentials } from "./connect.ts"

/** The handshake failed, or was refused with the API server's answer. */
class NoSocket extends Data.TaggedError("NoSocket")<{
  /** 0: no answer. */
  readonly status: number
  readonly text: string
}> {}

const longestRefusal = 16 * 1024
const handshakeMs = 10_000

/** The kubeconfig's proxy, or else the environment's, as for other requests to the API server. */
const agentOf = ({ proxy, server }: Pick<ClusterCredentials, "proxy" | "server">) => {
  const environment = proxy === undefined ? undefined : { https_proxy: proxy, http_proxy: proxy }
  const { http, https } = proxiedAgents({}, { environment, proxyChecksAddresses: true })
  return server.startsWith("https:") ? https : http
}

/** Opens a WebSocket to the API server with the cluster's credentials. It closes with the scope. */
export const openSocket = (
  { headers, proxy, server, tls }: Pick<ClusterCredentials, "headers" | "proxy" | "server" | "tls">,
  pathAndQuery: string,
  protocols: ReadonlyArray<string>
) =>
  Effect.acquireRelease(
    Effect.async<WebSocket, NoSocket>((resume) => {
      const material = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined))
      const socket = new WebSocket(`${server.replace(/^http/, "ws")}${pathAndQuery}`, [...protocols], {
        ...material,
        agent: agentOf({ proxy, server }),
        headers: { ...headers },
        handshakeTimeout: handshakeMs,
        perMessageDeflate: false
      })
      const failed = (status: number, text: string) => resume(new NoSocket({ status, text }))
      const guarded = guardedBy((cause) => failed(0, String(cause)))
      const onOpen = guarded(() => {
        // Pause at once: data that arrives before there is a listener would be lost.
        socket.pause()
        resume(Effect.succeed(socket))
      })
      const onRefusal = guarded((_: unknown, response: IncomingMessage) => {
        let text = ""
        const onText = guarded((chunk: string) => {
          if (text.length < longestRefusal) text += chunk
        })
        const onEnd = guarded(() => failed(response.statusCode ?? 0, text))
        response.setEncoding("utf8").on("data", onText).once("close", onEnd).resume()
      })
      const onError = guarded((error: Error) => failed(0, error.message))
      socket.once("open", onOpen).once("unexpected-response", onRefusal).on("error", onError)
      return Effect.sync(() => socket.terminate())
    }),
    (socket) => Effect.sync(() => socket.close())
  )
