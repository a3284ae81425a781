import { lookup } from "node:dns/promises"
import { type ClientRequest, request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import { isIP, type LookupFunction } from "node:net"
import { isReachableAddress, type Reach } from "@maxcloud/config-schema"
import { Duration, Effect, Schedule } from "effect"
import { type ProxiedOptions, proxiedAgents } from "../../../base/outbound/proxiedConnections.ts"
import { ImageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import { explain, moreThan, noName, refusedAddress, unreachable } from "./exchangeErrors.ts"
import { certificateFolders, makeRegistryAuthorities } from "./registryAuthorities.ts"

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface Question {
  readonly method: "GET" | "HEAD"
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly reach: Reach
  /** The maximum size of a body. */
  readonly maxBytes: number
  /**
   * Receives the body of a 200 as it arrives; `Answer.body` is empty then. Such a request isn't retried: the receiver
   * already has part of it.
   */
  readonly into?: (chunk: Buffer) => Promise<void>
}

/** The system's resolver holds one of the process's few threads for as long as a name server doesn't answer. */
const lookups = Effect.unsafeMakeSemaphore(2)

/**
 * Resolves a name, and only returns addresses that may be called: the connection uses these, whatever the name resolves
 * to next.
 */
const lookupWithin =
  (reach: Reach, url: URL, signal: AbortSignal): LookupFunction =>
  (hostname, options, callback) => {
    // A lookup waiting for its turn can be cancelled. A running one keeps its thread to the end.
    const found = lookups.withPermits(1)(
      Effect.uninterruptible(Effect.tryPromise(() => lookup(hostname, { ...options, all: true })))
    )
    const cancel = Effect.runCallback(found, {
      onExit: (exit) => {
        if (exit._tag === "Failure") {
          const { cause } = exit
          callback(cause._tag === "Fail" && cause.error.cause instanceof Error ? cause.error.cause : noName(), "")
          return
        }
        const [first] = exit.value
        if (first === undefined) callback(noName(), "")
        else if (!exit.value.every((each) => isReachableAddress(each.address, reach)))
          callback(refusedAddress(hostname, url), "")
        else if (options.all === true) callback(null, [...exit.value])
        else callback(null, first.address, first.family)
      }
    })
    signal.addEventListener("abort", () => cancel(), { once: true })
  }

/** Why a host written as an address isn't contacted; undefined if it may be, or is a name. */
export const refusedHost = (url: URL, reach: Reach): ImageProblem | undefined => {
  const host = url.hostname.replace(/^\[|\]$/g, "")
  return isIP(host) !== 0 && !isReachableAddress(host, reach) ? refusedAddress(url.hostname, url) : undefined
}

/** How long a download may take, and how long it may wait for the next byte. */
const downloadLimit = Duration.minutes(30)
const downloadIdleMs = 30_000
/** How much to read of an answer that isn't the download. */
const refusalBytes = 64 * 1024

const take = async (
  chunks: AsyncIterable<Buffer>,
  into: (chunk: Buffer) => Promise<void>,
  tooMuch: (bytes: number) => void
) => {
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    tooMuch(bytes)
    await into(chunk)
  }
}

const agentOptions = { keepAlive: true, maxSockets: 8, maxTotalSockets: 256, timeout: 30_000 }

/** One request and its answer, with limits of time and size. Redirects and refusals are answers. */
export type Exchange = (question: Question) => Effect.Effect<Answer, ImageProblem | ImagesError>

/** Passes the body of a 200 to the request's receiver, as it arrives. */
const pass = (
  call: ClientRequest,
  response: IncomingMessage,
  { maxBytes, url }: Question,
  into: (chunk: Buffer) => Promise<void>,
  done: (body: Buffer) => void,
  fail: (error: Error) => void
) => {
  const tooMuch = (bytes: number) => {
    if (bytes > maxBytes) throw moreThan(maxBytes, url)
  }
  take(response, into, tooMuch).then(
    () => done(Buffer.alloc(0)),
    (cause) => {
      call.destroy()
      fail(cause instanceof Error ? cause : new Error(String(cause)))
    }
  )
}

const collect = (
  call: ClientRequest,
  response: IncomingMessage,
  { into, maxBytes, url }: Question,
  done: (body: Buffer) => void,
  fail: (error: Error) => void
) => {
  const most = into === undefined ? maxBytes : refusalBytes
  const chunks: Array<Buffer> = []
  let size = 0
  response.on("data", (chunk: Buffer) => {
    size += chunk.length
    chunks.push(chunk)
    if (size <= most) return
    call.destroy()
    fail(moreThan(most, url))
  })
  response.on("error", fail)
  response.on("end", () => done(Buffer.concat(chunks)))
}

const sendOnce = (
  agents: ReturnType<typeof proxiedAgents>,
  question: Question,
  ca: ReadonlyArray<string> | undefined
) =>
  Effect.async<Answer, ImageProblem | ImagesError>((resume, signal) => {
    const { headers, into, method, reach, url } = question
    // An address needs no lookup, so nothing else would check it.
    const refused = refusedHost(url, reach)
    if (refused !== undefined) {
      resume(refused)
      return
    }
    const fail = (error: Error) => resume(Effect.fail(error instanceof ImageProblem ? error : explain(error, url)))
    const options = {
      method,
      headers: { ...headers, "accept-encoding": "identity" },
      lookup: lookupWithin(reach, url, signal),
      signal
    }
    const call =
      url.protocol === "https:"
        ? httpsRequest(url, { ...options, agent: agents.https, ...(ca === undefined ? {} : { ca: [...ca] }) })
        : httpRequest(url, { ...options, agent: agents.http })
    call.on("error", fail)
    if (into !== undefined) call.setTimeout(downloadIdleMs, () => call.destroy(new Error("no data for 30 s")))
    call.on("response", (response) => {
      const { headers, statusCode: status = 0 } = response
      const done = (body: Buffer) => resume(Effect.succeed({ status, headers, body }))
      if (into !== undefined && status === 200) pass(call, response, question, into, done, fail)
      else collect(call, response, question, done, fail)
    })
    call.end()
  })

/**
 * Sends requests over connections of its own, through a proxy if the environment names one, and closes them with the
 * scope.
 */
export const makeExchange = Effect.fnUntraced(function* (
  {
    certificateFolders: folders = certificateFolders,
    environment,
    proxyChecksAddresses = false
  }: Partial<ProxiedOptions> & { readonly certificateFolders?: ReadonlyArray<string> } = {},
  timeLimit = Duration.seconds(10)
) {
  const agents = yield* Effect.acquireRelease(
    Effect.sync(() => proxiedAgents(agentOptions, { environment, proxyChecksAddresses })),
    ({ http, https }) =>
      Effect.sync(() => {
        http.destroy()
        https.destroy()
      })
  )

  const authoritiesOf = makeRegistryAuthorities(folders)

  const send = (question: Question) => {
    const { into, url } = question
    const ca = url.protocol === "https:" ? Effect.promise(() => authoritiesOf(url.host)) : Effect.succeed(undefined)
    return Effect.flatMap(ca, (found) => sendOnce(agents, question, found)).pipe(
      Effect.retry({
        schedule: Schedule.jittered(Schedule.exponential("100 millis")),
        times: 2,
        while: (value) => into === undefined && value instanceof ImagesError
      }),
      Effect.timeoutFail({
        duration: into === undefined ? timeLimit : downloadLimit,
        onTimeout: () =>
          unreachable(
            url,
            into === undefined
              ? `hasn't answered within ${Duration.toSeconds(timeLimit)} s`
              : `hasn't sent a layer within ${Duration.toMinutes(downloadLimit)} minutes`
          )
      })
    )
  }

  const exchange: Exchange = send
  return exchange
})
