import { request as httpRequest, type IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import { isIP } from "node:net"
import type { Duplex } from "node:stream"
import { type Proxy, ProxyFailed } from "@maxcloud/sdk/proxy"
import { errorCode } from "../node/errorCode.ts"

const timeoutMs = 10_000

/** A connection to a host through a proxy (RFC 9110, 9.3.6). Rejects with `ProxyFailed`. */
export const openTunnel = ({ authorization, name, url }: Proxy, host: string, port: number): Promise<Duplex> =>
  new Promise((resolve, reject) => {
    const failed = (code: string) => reject(new ProxyFailed({ name, proxy: url, host, code }))
    const { hostname, port: proxyPort, protocol } = new URL(url)
    const target = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
    const asked = (protocol === "https:" ? httpsRequest : httpRequest)({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: proxyPort === "" ? (protocol === "https:" ? 443 : 80) : proxyPort,
      method: "CONNECT",
      path: target,
      agent: false,
      timeout: timeoutMs,
      headers: { host: target, ...(authorization === undefined ? {} : { "proxy-authorization": authorization }) }
    })
    asked.once("connect", (answer: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (answer.statusCode === 200) {
        asked.setTimeout(0)
        if (head.length > 0) socket.unshift(head)
        resolve(socket)
        return
      }
      socket.on("error", () => {}).destroy()
      failed(String(answer.statusCode))
    })
    // Any other answer of the proxy is a refusal.
    asked.once("response", (answer: IncomingMessage) => {
      answer.resume()
      asked.destroy()
      failed(String(answer.statusCode))
    })
    asked.once("timeout", () => asked.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })))
    asked.once("error", (error) => failed(errorCode(error) ?? error.message))
    asked.end()
  })
