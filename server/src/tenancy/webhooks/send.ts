import type { Reach } from "@maxcloud/config-schema"
import { retryAfterMs } from "@maxcloud/config-schema/plain"
import { ProxyFailed } from "@maxcloud/sdk/proxy"
import { Effect } from "effect"
import { Agent, request } from "undici"
import { dayMs } from "../../base/node/backoff.ts"
import { errorCode } from "../../base/node/errorCode.ts"
import { checkedLookup, isLoopbackHost, isRefusedAddress, NotPublic } from "../../base/outbound/checkedLookup.ts"
import { type ProxiedOptions, proxiedConnector, Unchecked } from "../../base/outbound/proxiedConnections.ts"

export interface SendOptions extends Partial<ProxiedOptions> {
  /** Local mode: also allows addresses of this machine and its network, on loopback even without TLS. */
  readonly allowPrivate: boolean
  /** For an attempt, from the lookup of the name to the end of the answer. @default 15 seconds */
  readonly timeoutMs?: number
}

/** An attempt. `status`: the answer's, if there was one; `error`: why it failed, in our own words. */
export interface Attempt {
  readonly status: number | null
  readonly error: string | null
  readonly answer: string | null
  readonly retryAfterMs?: number | undefined
}

export type Send = (url: string, headers: Readonly<Record<string, string>>, body: string) => Effect.Effect<Attempt>

/** How much of an answer is read, and how much of that is stored. */
const readBytes = 16_384
const keptCharacters = 500

const reachOf = (allowPrivate: boolean): Reach => (allowPrivate ? "private" : "public")

/** Why the server doesn't send to this URL; undefined: it does, as far as the URL shows. */
export const refusalOf = (written: string, allowPrivate: boolean): string | undefined => {
  const url = new URL(written)
  if (url.protocol !== "https:" && !(allowPrivate && isLoopbackHost(url.hostname)))
    return `${url.origin} isn't an https URL, and a webhook needs one.`
  return isRefusedAddress(url, reachOf(allowPrivate)) || (!allowPrivate && isLoopbackHost(url.hostname))
    ? `${url.hostname} isn't a public internet address. The server sends to no others.`
    : undefined
}

const failure = (error: unknown): string => {
  if (error instanceof NotPublic)
    return "The host's address isn't a public internet address. The server sends to no others."
  if (error instanceof Unchecked) return error.message
  if (error instanceof ProxyFailed) return `The server's proxy couldn't connect (${error.code}).`
  if (error instanceof Error && (error.name === "TimeoutError" || error.name.endsWith("TimeoutError")))
    return "No answer in time."
  const code = errorCode(error) ?? "no connection"
  return `The receiver is unreachable (${code}).`
}

const beginningOf = async (body: AsyncIterable<Buffer> & { readonly destroy: () => void }) => {
  const chunks: Array<Buffer> = []
  let size = 0
  for await (const chunk of body) {
    chunks.push(chunk)
    size += chunk.length
    if (size >= readBytes) break
  }
  body.destroy()
  return Buffer.concat(chunks).toString("utf8").slice(0, keptCharacters)
}

/** Sends over connections of its own, to checked addresses. Redirects are answers like any other and aren't followed. */
export const makeSend = ({
  allowPrivate,
  environment,
  proxyChecksAddresses = false,
  timeoutMs = 15_000
}: SendOptions) =>
  Effect.map(
    Effect.acquireRelease(
      Effect.sync(
        () =>
          new Agent({
            connect: proxiedConnector(
              { lookup: checkedLookup(reachOf(allowPrivate)), timeout: timeoutMs },
              { environment, proxyChecksAddresses }
            ),
            headersTimeout: timeoutMs,
            bodyTimeout: timeoutMs,
            // Open a connection for each attempt, so that each has its address checked.
            pipelining: 0,
            maxHeaderSize: 16_384
          })
      ),
      (agent) => Effect.promise(() => agent.destroy())
    ),
    (agent): Send =>
      (url, headers, body) =>
        Effect.tryPromise({
          try: async (signal): Promise<Attempt> => {
            const refused = refusalOf(url, allowPrivate)
            if (refused !== undefined) return { status: null, error: refused, answer: null }
            const response = await request(url, {
              method: "POST",
              dispatcher: agent,
              signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
              headers: { ...headers, "accept-encoding": "identity" },
              body
            })
            const { statusCode: status } = response
            response.body.on("error", () => {})
            const answer = await beginningOf(response.body)
            const error =
              status >= 200 && status < 300
                ? null
                : status >= 300 && status < 400
                  ? `The receiver redirects (${status}), and redirects aren't followed.`
                  : `The receiver answered ${status}.`
            return { status, error, answer, retryAfterMs: retryAfterMs(response.headers, dayMs) }
          },
          catch: failure
        }).pipe(Effect.catchAll((error) => Effect.succeed({ status: null, error, answer: null })))
  )
