import { Readable } from "node:stream"
import { Effect } from "effect"
import { Agent, type Dispatcher, ProxyAgent, request } from "undici"
import { OciError, ociError } from "../OciError.ts"
import { certificateFault } from "./certificateFault.ts"

/** How much to read of an answer: tokens and errors are small. */
const answerBytes = 256 * 1024

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
}

export interface Question {
  readonly method: "GET" | "HEAD" | "POST" | "PATCH" | "PUT"
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: { readonly size: number; readonly chunks: () => AsyncIterable<Buffer> } | undefined
}

export interface ProxySettings {
  readonly url: string
  readonly authorization: string | undefined
}

/** A connection that doesn't take or deliver a byte for this long is broken. */
const stalledMs = 60_000

const dispatcherOptions = { headersTimeout: stalledMs, bodyTimeout: stalledMs, connectTimeout: 10_000 }

/** The connections of a push, closed with the scope. */
export const makeDispatcher = (proxy: ProxySettings | undefined) =>
  Effect.acquireRelease(
    Effect.sync(
      (): Dispatcher =>
        proxy === undefined
          ? new Agent({ ...dispatcherOptions, connections: 8 })
          : new ProxyAgent({
              ...dispatcherOptions,
              uri: proxy.url,
              ...(proxy.authorization === undefined ? {} : { token: proxy.authorization })
            })
    ),
    (dispatcher) => Effect.promise(() => dispatcher.destroy())
  )

const codeOf = (cause: unknown): string | undefined => {
  if (!(cause instanceof Error)) return undefined
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return codeOf(cause.cause)
}

/** Why a request got no answer. */
const noAnswer = (cause: unknown, { host }: URL): OciError => {
  if (cause instanceof OciError) return cause
  const code = codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause))
  switch (certificateFault(code)) {
    case undefined:
      break
    case "authority":
      return ociError(
        "registry",
        `the registry ${host} has a certificate of an unknown authority (${code})`,
        "set NODE_EXTRA_CA_CERTS to a file with the authority's certificate (PEM)"
      )
    case "name":
      return ociError(
        "registry",
        `the registry ${host} has a certificate for another name (${code})`,
        "ask its operator"
      )
    default:
      return ociError(
        "registry",
        `the registry ${host} has a certificate that isn't valid (${code})`,
        "renew it at the registry, or correct this machine's clock"
      )
  }
  if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER")
    return ociError("registry", `the registry ${host} doesn't speak TLS (${code})`, "ask its operator to serve HTTPS")
  return ociError(
    "away",
    `the registry ${host} is unreachable (${code})`,
    "check the network, then push again: finished layers aren't sent again"
  )
}

const textWithin = async (body: AsyncIterable<Buffer>): Promise<string> => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > answerBytes) break
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

const flat = (headers: Dispatcher.ResponseData["headers"]): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), Array.isArray(value) ? value.join(", ") : value]]
    )
  )

/** One request, and its answer. Redirects and refusals are answers. */
export const sendOnce = (dispatcher: Dispatcher, { body, headers, method, url }: Question) =>
  Effect.tryPromise({
    try: async (signal): Promise<Answer> => {
      const answer = await request(url, {
        method,
        headers: { ...headers, "content-length": String(body?.size ?? 0) },
        body: body === undefined || body.size === 0 ? null : Readable.from(body.chunks(), { objectMode: false }),
        dispatcher,
        signal
      })
      const text = await textWithin(answer.body)
      return { status: answer.statusCode, headers: flat(answer.headers), text }
    },
    catch: (cause) => noAnswer(cause, url)
  })
