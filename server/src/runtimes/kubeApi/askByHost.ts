import * as http from "node:http"
import * as https from "node:https"
import { isIP } from "node:net"
import { Data, Effect } from "effect"
import { guardedBy } from "../../base/node/guarded.ts"
import type { ClusterCredentials } from "./connect.ts"

/** No answer came through the API server. */
export class NoAnswer extends Data.TaggedError("NoAnswer")<{ readonly message: string }> {}

/** Sends a GET to a path of the API server with another Host, and answers with its status and the start of its body. */
export type AskByHost = (
  path: string,
  host: string
) => Effect.Effect<{ readonly status: number; readonly text: string }, NoAnswer>

const maxBody = 4_096

/**
 * The API server passes the Host header on to the pod behind `…/pods/NAME:PORT/proxy/`. So this reaches a gateway from anywhere, as a caller of that host
 * does. undici takes the Host for the name of the TLS server too, so this uses Node's own client.
 */
export const askByHost =
  ({ headers, server, tls }: ClusterCredentials, timeoutMillis: number): AskByHost =>
  (path, host) =>
    Effect.async<{ readonly status: number; readonly text: string }, NoAnswer>((resume) => {
      const { hostname, port, protocol } = new URL(server)
      const { request } = protocol === "http:" ? http : https
      const fail = (message: string) => resume(new NoAnswer({ message }))
      const guarded = guardedBy((cause) => fail(String(cause)))
      const sent = request(
        {
          ...tls,
          hostname: hostname.replace(/^\[|\]$/g, ""),
          port: port === "" ? (protocol === "http:" ? 80 : 443) : port,
          servername: tls.servername ?? (isIP(hostname) === 0 ? hostname : ""),
          path,
          agent: false,
          headers: { ...headers, host, accept: "*/*" }
        },
        guarded((response: http.IncomingMessage) => {
          let text = ""
          response.setEncoding("utf8")
          const answered = () => resume(Effect.succeed({ status: response.statusCode ?? 0, text }))
          response.on(
            "data",
            guarded((piece: string) => {
              text = `${text}${piece}`.slice(0, maxBody)
              if (text.length < maxBody) return
              answered()
              sent.destroy()
            })
          )
          response.on("end", guarded(answered))
          response.on(
            "error",
            guarded(({ message }: Error) => fail(message))
          )
        })
      )
      sent.on(
        "error",
        guarded(({ message }: Error) => fail(message))
      )
      sent.end()
      return Effect.sync(() => sent.destroy())
    }).pipe(
      // Of the whole: an answer that trickles is never idle.
      Effect.timeoutFail({
        duration: timeoutMillis,
        onTimeout: () => new NoAnswer({ message: `no answer within ${timeoutMillis / 1000} s` })
      })
    )
