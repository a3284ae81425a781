import type { HttpServerRequest } from "@effect/platform"
import { Forbidden, mergePatchType, UnsupportedMediaType } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { formPages, page, pathOf } from "../../http/routeTable.ts"

/** Pages that people may reach through links on other sites, which can't read what the pages show. */
const pages: ReadonlySet<string> = new Set([page.landing, page.docs, page.openapi, page.problems, ...formPages])

const hostPattern = /^(127(?:\.\d{1,3}){3}|localhost|\[::1\])(?::\d{1,5})?$/i

/**
 * Header fields in which proxies, tunnels and CDNs name the client behind them: the standard ones (RFC 7239; RFC 9110, 7.6.3; RFC
 * 8586), any that mention forwarding or an original request, client addresses under any name, and the fields of the large edge
 * networks.
 */
const proxyField =
  /forwarded|^(via|cdn-loop|x-proxy.*|proxy-connection|x-(host|scheme|port)|x-(original|rewrite|envoy|appengine|azure|vercel|nf|arr|amz-cf|amzn|nginx|sucuri|akamai)-.*|(cf|fastly|fly|akamai|incap|ngrok|tailscale|render|do|x-goog|x-ms)-.+|.*(client|real|remote|connecting|cluster|source|originating|peer|user|edge)[-_]?(ip|addr|address)([-_].*)?|remote[-_].*)$/

type Head = Pick<HttpServerRequest.HttpServerRequest, "headers" | "method" | "url"> & {
  /** HTTP version, such as `1.1`. */
  readonly httpVersion: string
}

/**
 * Refuses requests that a web page could make a browser send, and requests through a proxy. Local mode trusts the user at the
 * machine, so it refuses a foreign `Host` (DNS rebinding) and a foreign `Origin` or `Sec-Fetch-Site` (cross-site requests, also
 * by services on `*.localhost`), even for reads and with any credential. Programs send neither `Origin` nor `Sec-Fetch-Site`. A
 * proxy has the address and user of this machine, no matter who is behind it. Its header fields reveal it, or HTTP/1.0, which
 * nginx uses by default and programs don't.
 */
export const checkCaller = (request: Head): Effect.Effect<void, Forbidden> => {
  const { origin } = request.headers
  const host = request.headers[":authority"] ?? request.headers.host
  if (host === undefined || !hostPattern.test(host)) {
    return refuse(
      `The API answers only at localhost and 127.0.0.1, not at "${(host ?? "").slice(0, 100)}". Use one of these addresses.`
    )
  }
  const hop = Object.keys(request.headers).find((name) => proxyField.test(name))
  if (hop !== undefined || request.httpVersion === "1.0") {
    return refuse(
      `A server in local mode refuses requests through a proxy, and this one ${hop === undefined ? "uses HTTP/1.0, as proxies do" : `has the header "${hop.slice(0, 60)}"`}. Call the server directly. To put it behind a proxy, start it with MAXCLOUD_AUTH=required.`
    )
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    return refuse(`Pages of other sites can't use this API, and this request comes from "${origin.slice(0, 100)}".`)
  }
  const site = request.headers["sec-fetch-site"]
  if (site !== undefined && site !== "same-origin" && site !== "none" && !isVisit(request)) {
    return refuse(
      `Pages of other sites can't use this API, and the browser reports this request as ${site.slice(0, 20)}.`
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
 * Refuses bodies with a content type that browsers send to other sites without a preflight (a "simple" request in the Fetch
 * standard). A POST must declare JSON. A PATCH may declare a merge patch (RFC 7396), and is always read as one. Snapshots are
 * uploaded by PUT, which always needs a preflight. JSON is UTF-8 (RFC 8259, 8.1), and bodies aren't decompressed.
 */
export const checkContentType = (
  request: Pick<HttpServerRequest.HttpServerRequest, "headers" | "method">
): Effect.Effect<void, UnsupportedMediaType> => {
  const [written = "", ...parameters] = (request.headers["content-type"] ?? "").split(";")
  const type = written.trim().toLowerCase()
  const own = request.method === "PATCH" ? mergePatchType : "application/json"
  if (type !== "application/json" && type !== own) {
    return unsupported(
      `This operation takes JSON. Send the header "Content-Type: ${own}"${type === "" ? "" : ` instead of "${type.slice(0, 100)}"`}`
    )
  }
  const charset = parameters.map(charsetOf).find((each) => each !== undefined && !/^utf-?8$/i.test(each))
  if (charset !== undefined) {
    return unsupported(`JSON is UTF-8, not "${charset.slice(0, 100)}". Convert the body, and leave out "charset".`)
  }
  const encoding = request.headers["content-encoding"]?.trim() ?? ""
  return encoding === "" || encoding.toLowerCase() === "identity"
    ? Effect.void
    : unsupported(`The body has the Content-Encoding "${encoding.slice(0, 100)}". Send it uncompressed.`)
}

/** The value of a media type's parameter `charset`, which may be in quotes (RFC 9110, 5.6.6). */
const charsetOf = (parameter: string): string | undefined => {
  const [name = "", value = ""] = parameter.split("=", 2).map((each) => each.trim())
  return name.toLowerCase() === "charset" ? value.replaceAll('"', "").trim() : undefined
}

const unsupported = (detail: string) => Effect.fail(new UnsupportedMediaType({ detail }))
