import { lookup } from "node:dns/promises"
import { createServer, request } from "node:http"
import { connect } from "node:net"
import { errorCode } from "../../base/node/errorCode.ts"

/**
 * The targets that one pod tries. `maxcloud probe` runs in a pod of a tenant's namespace, with its targets in `MAXCLOUD_PROBE`.
 * It is deliberately small and uses only Node's own modules.
 */
export interface ProbeTarget {
  readonly id: string
  /**
   * `http`: a Knative probe, which the gateway, the activator and queue-proxy answer without waking an instance or asking a
   * program.
   */
  readonly way: "http" | "tcp" | "dns"
  /** A name or an address; `node` and `api` stand for the pod's own node and API server, which only the pod knows. */
  readonly host: string
  readonly port: number
  /** The Host header, if different from `host`. */
  readonly hostHeader?: string
  /**
   * How to judge an HTTP answer. `probe`: the service's own answer to Knative's probe means allowed, 403 denied. `connection`: any answer
   * means allowed, because there should be no connection. `route`: any answer but the gateway's 403 and 404 means allowed. @default
   * "probe"
   */
  readonly judge?: "probe" | "connection" | "route"
  /** The expected result. Any other is retried, because policies may take effect a moment after a pod's start. */
  readonly expected: "allowed" | "denied"
}

export interface ProbeResult {
  readonly id: string
  readonly actual: "allowed" | "denied" | "unknown"
  readonly detail: string
}

type Outcome = Omit<ProbeResult, "id">

const connectMillis = 2_000
/** The gateway's authorizer waits up to two seconds for an unknown address. */
const answerMillis = 6_000
const tries = 3
const pauseMillis = 700
/** Knative's own probe, answered by whatever is in front of the program (knative/networking, pkg/http/probe). */
const hash = "maxcloud"

const noConnection = `no connection within ${connectMillis / 1000} s`

const failed = (error: unknown): Outcome => {
  const code = errorCode(error) ?? String(error)
  if (code === "ETIMEDOUT" || code === "EHOSTUNREACH" || code === "ENETUNREACH") {
    return { actual: "denied", detail: code === "ETIMEDOUT" ? noConnection : code }
  }
  // Somebody answered, even if only with a refusal: packets went there and back.
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return { actual: "allowed", detail: `reached: ${code}` }
  if (code === "ENOTFOUND") return { actual: "unknown", detail: "unknown name" }
  if (code === "EAI_AGAIN") return { actual: "unknown", detail: "no answer from the name server" }
  return { actual: "unknown", detail: code }
}

const addressOf = ({ host, port }: ProbeTarget): { readonly host: string; readonly port: number } | undefined => {
  if (host === "node") {
    const own = process.env.MAXCLOUD_NODE_ADDRESS ?? ""
    return own === "" ? undefined : { host: own, port }
  }
  if (host === "api") {
    const api = process.env.KUBERNETES_SERVICE_HOST ?? ""
    return api === "" ? undefined : { host: api, port: Number(process.env.KUBERNETES_SERVICE_PORT ?? 443) }
  }
  return { host, port }
}

const tcp = (host: string, port: number) =>
  new Promise<Outcome>((resolve) => {
    const socket = connect({ host, port })
    const end = (outcome: Outcome) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => end({ actual: "denied", detail: noConnection }), connectMillis)
    socket.once("connect", () => end({ actual: "allowed", detail: "connected" }))
    socket.once("error", (error) => end(failed(error)))
  })

const http = (host: string, port: number, hostHeader: string, judge: NonNullable<ProbeTarget["judge"]>) =>
  new Promise<Outcome>((resolve) => {
    let connected = false
    const end = (outcome: Outcome) => {
      clearTimeout(connectTimer)
      clearTimeout(answerTimer)
      asked.destroy()
      resolve(outcome)
    }
    const asked = request({
      host,
      port,
      agent: false,
      headers: { host: hostHeader, "k-network-probe": "probe", "k-network-hash": hash, "user-agent": "maxcloud-probe" }
    })
    const connectTimer = setTimeout(() => {
      if (!connected) end({ actual: "denied", detail: noConnection })
    }, connectMillis)
    const answerTimer = setTimeout(
      () =>
        end({
          actual: judge === "connection" ? "allowed" : "unknown",
          detail: `connected, no answer within ${answerMillis / 1000} s`
        }),
      answerMillis
    )
    asked.once("socket", (socket) => {
      socket.once("connect", () => {
        connected = true
      })
    })
    asked.once("response", ({ headers, statusCode = 0 }) => {
      const detail = `HTTP ${statusCode}`
      if (judge === "connection") end({ actual: "allowed", detail: `connected, ${detail}` })
      else if (judge === "route") {
        end({ actual: statusCode === 403 || statusCode === 404 ? "denied" : "allowed", detail })
      } else if (headers["k-network-hash"] === hash) end({ actual: "allowed", detail })
      else if (statusCode === 403) end({ actual: "denied", detail: `${detail} by the gateway` })
      else if (statusCode === 404) end({ actual: "unknown", detail: `${detail}: the gateway has no such host` })
      else end({ actual: "unknown", detail })
    })
    asked.once("error", (error) => end(failed(error)))
    asked.end()
  })

const dns = async (name: string): Promise<Outcome> => {
  try {
    const { address } = await lookup(name)
    return { actual: "allowed", detail: address }
  } catch (error) {
    // It answered, even if only that the name doesn't exist.
    return (errorCode(error) ?? String(error)) === "ENOTFOUND"
      ? { actual: "allowed", detail: "answered" }
      : { actual: "denied", detail: "no answer from the name server" }
  }
}

const once = (target: ProbeTarget): Promise<Outcome> => {
  if (target.way === "dns") return dns(target.host)
  const address = addressOf(target)
  if (address === undefined) return Promise.resolve({ actual: "unknown", detail: "the pod doesn't know its address" })
  return target.way === "tcp"
    ? tcp(address.host, address.port)
    : http(address.host, address.port, target.hostHeader ?? target.host, target.judge ?? "probe")
}

const pause = (millis: number) => new Promise<void>((resolve) => setTimeout(resolve, millis))

const tryTarget = async (target: ProbeTarget): Promise<ProbeResult> => {
  let outcome = await once(target)
  for (let attempt = 1; attempt < tries && outcome.actual !== target.expected; attempt++) {
    await pause(pauseMillis)
    outcome = await once(target)
  }
  return { id: target.id, ...outcome }
}

/** Tries all at the same time. */
export const probe = (targets: ReadonlyArray<ProbeTarget>): Promise<ReadonlyArray<ProbeResult>> =>
  Promise.all(targets.map(tryTarget))

/** The prefix of the line with the results, to distinguish it from other output of a container. */
export const resultPrefix = "maxcloud-probe "

/** The service of `cluster check`: answers each request with 200, until it's stopped. */
const serveProbes = (port: number) =>
  new Promise<void>((resolve, reject) => {
    const server = createServer((_, response) => response.end("reached\n"))
    server.on("error", reject).on("close", resolve).listen(port)
    process.once("SIGTERM", () => {
      server.close()
    })
  })

/** `maxcloud probe`: tries the targets in `MAXCLOUD_PROBE`, and prints one line. With `MAXCLOUD_PROBE_SERVE` it answers requests on `PORT` instead. */
export const runProbe = async (): Promise<void> => {
  if (process.env.MAXCLOUD_PROBE_SERVE === "1") return serveProbes(Number(process.env.PORT ?? "8080"))
  const targets: ReadonlyArray<ProbeTarget> = JSON.parse(process.env.MAXCLOUD_PROBE ?? "[]")
  process.stdout.write(`${resultPrefix}${JSON.stringify(await probe(targets))}\n`)
}
