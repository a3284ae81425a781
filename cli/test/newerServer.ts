import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** Additions that a newer server may make within the same version of the API (docs/compatibility.md). */

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** Maps with keys chosen by users: an added field would be a variable there. */
const maps = new Set(["env", "labels", "files", "metadata", "images", "secretVersions"])

/** Adds to each object a field, to each idle service a state, and to each open enum a value that no client knows yet. */
const renewed = (value: unknown, name = ""): unknown => {
  if (Array.isArray(value)) return value.map((each) => renewed(each, name))
  if (!isObject(value) || maps.has(name)) return value
  const fields = Object.entries(value).map(([key, field]): readonly [string, unknown] => {
    if (key === "state" && (field === "ready" || field === "idle")) return [key, "hibernating"]
    if (key === "action" && typeof field === "string") return [key, "transplant"]
    if (key === "visibility") return [key, "partners"]
    if (key === "stream") return [key, "audit"]
    if (key === "features" && Array.isArray(field)) return [key, [...field, "teleportation"]]
    return [key, renewed(field, key)]
  })
  return { ...Object.fromEntries(fields), inventedField: { nested: [1] } }
}

/** Adds before each event of a deployment one with an unknown type, and one with an unknown name. */
const renewedEvents = (text: string): string =>
  text.replace(
    /^id: (.*)\n(?:event: (.*)\n)?data: (\{.*\})\n\n/gm,
    (whole, id: string, event: string | undefined, data: string) => {
      const value: unknown = renewed(JSON.parse(data))
      if (!isObject(value)) return whole
      const known = `id: ${id}\nevent: ${event ?? "message"}\ndata: ${JSON.stringify(value)}\n\n`
      if (typeof value.type !== "string" || value.deployment === undefined) return known
      const invented = { ...value, type: "measured", deployment: null, service: null, message: "42 ms" }
      return `event: measured\ndata: ${JSON.stringify(invented)}\n\n${known}`
    }
  )

const bodyOf = async (answer: IncomingMessage) => {
  let text = ""
  for await (const chunk of answer.setEncoding("utf8")) text += chunk
  return text
}

const inventedCursor = "invented"

/** Adds one more page to each list, with a service in it for services. Also to lists that clients expect in one page. */
const nextPage = (url: URL, items: ReadonlyArray<unknown>): ReadonlyArray<unknown> => {
  const [first] = items
  const isServices = url.pathname.endsWith("/services") && !url.searchParams.has("name")
  return isServices && isObject(first) ? [{ ...first, name: "later" }] : []
}

/** A newer server's response instead of `value`, and the next page. */
const renewedAnswer = (url: URL, isNext: boolean, value: unknown) => {
  const body = renewed(value)
  if (!Array.isArray(body)) return { body, next: undefined }
  if (isNext) return { body: nextPage(url, body), next: undefined }
  const next = new URL(url)
  next.searchParams.set("cursor", inventedCursor)
  return { body, next: `<${next.pathname}${next.search}>; rel="next"` }
}

/**
 * A proxy that makes the server behind it answer like a newer one. `GET …/services` with `app=unknown-problem` gets an unknown problem, and
 * with `app=outdated-client` the response for a client that is too old.
 */
export const newerServer = async (target: string) => {
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const { host: _, "accept-encoding": __, ...given } = incoming.headers
    const url = new URL(incoming.url ?? "/", target)
    const headers =
      url.searchParams.get("app") === "outdated-client" ? { ...given, "user-agent": "maxcloud-sdk/0.0.1" } : given
    const isNext = url.searchParams.get("cursor") === inventedCursor
    if (isNext) url.searchParams.delete("cursor")
    const sent = request(url, { method: incoming.method, headers }, async (answer) => {
      const type = answer.headers["content-type"] ?? ""
      const { "content-length": ___, ...kept } = answer.headers
      outgoing.setHeader("invented-field", "1")
      if (type.startsWith("text/event-stream")) {
        outgoing.writeHead(answer.statusCode ?? 500, kept)
        let rest = ""
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          const text = rest + chunk
          const end = text.lastIndexOf("\n\n") + 2
          rest = end < 2 ? text : text.slice(end)
          if (end >= 2) outgoing.write(renewedEvents(text.slice(0, end)))
        })
        answer.on("end", () => outgoing.end()).on("error", () => outgoing.destroy())
        outgoing.on("close", () => answer.destroy())
        return
      }
      const text = await bodyOf(answer)
      if (!type.includes("json") || text === "") return outgoing.writeHead(answer.statusCode ?? 500, kept).end(text)
      const { body, next } = renewedAnswer(url, isNext, JSON.parse(text))
      outgoing.writeHead(answer.statusCode ?? 500, { ...(next === undefined ? {} : { link: next }), ...kept })
      outgoing.end(JSON.stringify(body))
    })
    sent.on("error", () => outgoing.destroy())
    incoming.pipe(sent)
  }
  const server = createServer((incoming, outgoing) => {
    if (!(incoming.url ?? "").includes("app=unknown-problem")) return pass(incoming, outgoing)
    const type = "https://example.com/problems/moon-phase"
    const problem = {
      type,
      title: "Wrong moon phase",
      status: 409,
      detail: "Wait for the full moon.",
      code: "moon_phase"
    }
    outgoing.writeHead(409, { "content-type": "application/problem+json" }).end(JSON.stringify(problem))
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const address: AddressInfo | string | null = server.address()
  if (typeof address !== "object" || address === null) throw new Error("The proxy has no port.")
  return {
    url: `http://127.0.0.1:${address.port}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    }
  }
}
