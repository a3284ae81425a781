import type { HttpServerRequest } from "@effect/platform"
import { Forbidden, mergePatchType, UnsupportedMediaType } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { formPages, page, pathOf } from "../../http/routeTable.ts"

/** Pages that a person may follow a link to from another site: what they show cannot be read by that site. */
const pages: ReadonlySet<string> = new Set([page.landing, page.docs, page.openapi, page.problems, ...formPages])

const hostPattern = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d{1,5})?$/i

/**
 * Fields by which proxies, tunnels and CDNs tell who is behind them: the standard ones (RFC 7239; RFC 9110, 7.6.3; RFC 8586), whatever
 * speaks of forwarding or of an original request, an address of a client under any name, and the fields of the large edges.
 */
const proxyField =
  /forwarded|^(via|cdn-loop|x-proxy.*|proxy-connection|x-(host|scheme|port)|x-(original|rewrite|envoy|appengine|azure|vercel|nf|arr|amz-cf|amzn|nginx|sucuri|akamai)-.*|(cf|fastly|fly|akamai|incap|ngrok|tailscale|render|do|x-goog|x-ms)-.+|.*(client|real|remote|connecting|cluster|source|originating|peer|user|edge)[-_]?(ip|addr|address)([-_].*)?|remote[-_].*)$/

type Head = Pick<HttpServerRequest.HttpServerRequest, "headers" | "method" | "url"> & {
  /** `1.1`, `2.0`. */
  readonly httpVersion: string
}

/**
 * Refuses requests that a web page could make a browser send, and requests through a proxy. Local mode trusts whoever sits at the
 * machine. So it refuses a foreign `Host` (DNS rebinding) and a foreign `Origin` or `Sec-Fetch-Site` (cross-site requests, also by
 * services on `*.localhost`), even for reads and with any credential. Programs send neither `Origin` nor `Sec-Fetch-Site`. A proxy has
 * the address and user of this machine, no matter who is behind it. The fields that it adds reveal it, or HTTP/1.0, which only nginx
 * speaks to servers by default.
 */
export const checkCaller = (request: Head): Effect.Effect<void, Forbidden> => {
  const { origin } = request.headers
  const host = request.headers[":authority"] ?? request.headers.host
  if (host === undefined || !hostPattern.test(host)) {
    return refuse(
      `the API answers at localhost and 127.0.0.1 only, not at "${(host ?? "").slice(0, 100)}": call it by one of these`
    )
  }
  const hop = Object.keys(request.headers).find((name) => proxyField.test(name))
  if (hop !== undefined || request.httpVersion === "1.0") {
    return refuse(
      `A server in local mode takes no requests through a proxy, and this one ${hop === undefined ? "is HTTP/1.0, as proxies send it" : `has the header "${hop.slice(0, 60)}"`}. Call the server directly. To put it behind a proxy, start it with MAXCLOUD_AUTH=required.`
    )
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    return refuse(`pages of other sites may not use this API, and this request comes from "${origin.slice(0, 100)}"`)
  }
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isVisit(request)) {
    return refuse(
      `pages of other sites may not use this API, and the browser says that this request is ${site.slice(0, 20)}`
    )
  }
  return Effect.void
}

const isVisit = ({ headers, method, url }: Pick<HttpServerRequest.HttpServerRequest, "headers" | "method" | "url">) =>
  method === "GET" &&
  headers["sec-fetch-mode"] === "navigate" &&
  headers["sec-fetch-dest"] === "document" &&
  (pages.has(pathOf(url)) || pathOf(url).startsWith(`${page.problems}/`))

const refuse = (detail: string) => Effect.fail(new Forbidden({ detail }))

/**
 * Refuses bodies of a content type that a browser sends to other sites without asking first (a "simple" request of the Fetch standard):
 * a POST must say that it is JSON, and a PATCH may say that it is a merge patch (RFC 7396), as which it is read in any case. Snapshots are uploaded by PUT, for which a browser always asks.
 */
export const checkContentType = (
  request: Pick<HttpServerRequest.HttpServerRequest, "headers" | "method">
): Effect.Effect<void, UnsupportedMediaType> => {
  const type = request.headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase()
  const own = request.method === "PATCH" ? mergePatchType : "application/json"
  return type === "application/json" || type === own
    ? Effect.void
    : Effect.fail(
        new UnsupportedMediaType({
          detail: `this operation takes JSON: send the header "Content-Type: ${own}"${type === undefined ? "" : ` instead of "${type.slice(0, 100)}"`}`
        })
      )
}
