import * as http from "node:http"
import * as https from "node:https"
import { isIP } from "node:net"
import { Data, Effect } from "effect"
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
      const sent = request(
        {
          ...tls,
          hostname: hostname.replace(/^\[|\]$/g, ""),
          port: port === "" ? (protocol === "http:" ? 80 : 443) : port,
          servername: tls.servername ?? (isIP(hostname) === 0 ? hostname : ""),
          path,
          agent: false,
          timeout: timeoutMillis,
          headers: { ...headers, host, accept: "*/*" }
        },
        (response) => {
          let text = ""
          response.setEncoding("utf8")
          response.on("data", (piece: string) => {
            text = `${text}${piece}`.slice(0, maxBody)
          })
          response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, text })))
          response.on("error", ({ message }) => fail(message))
        }
      )
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeoutMillis / 1000} s`)))
      sent.on("error", ({ message }) => fail(message))
      sent.end()
      return Effect.sync(() => sent.destroy())
    })
