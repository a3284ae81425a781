import { createServer } from "node:http"
import { setTimeout } from "node:timers/promises"
import { makeFront } from "./makeFront.ts"
import { ProxyCounters } from "./ProxyCounters.ts"
import type { Route } from "./Route.ts"

/**
 * The process under fuzz: only a front. Hosts are `<port>-<protocol>-<case>--local.localhost`, for instances on
 * loopback.
 */

const tell = (message: object) => process.send?.(message)
let broken = 0
process.on("uncaughtException", (cause) => tell({ uncaught: String(cause.stack), count: ++broken }))
process.on("unhandledRejection", (cause) => tell({ uncaught: String(cause), count: ++broken }))

const counters = new ProxyCounters((cause) =>
  tell({ fault: cause instanceof Error ? String(cause.stack) : String(cause) })
)
/** The cases that hold a slot. */
const leases = new Set<number>()

const routeOf = (port: number, protocol: "http1" | "h2c", which: number): Route => ({
  key: `${port}`,
  protocol,
  timeoutMs: 400,
  acquire: () => {
    leases.add(which)
    return {
      host: "127.0.0.1",
      port,
      release: () => leases.delete(which),
      answered: () => {},
      overdue: () => {},
      failed: () => {}
    }
  }
})
const front = await makeFront({
  host: "127.0.0.1",
  port: 0,
  api: createServer((_, response) => response.end("the api")),
  isApiHost: (host) => host === "api.localhost",
  counters,
  lookup: (host) => {
    const [, port = "", protocol, which] = /^(\d+)-(http1|h2c)-(\d+)--local\.localhost$/.exec(host) ?? []
    return protocol === "http1" || protocol === "h2c" ? routeOf(Number(port), protocol, Number(which)) : undefined
  }
})

/** Longer than the front keeps a connection after an early answer, or an idle one. */
const lingerMs = 6_000

/**
 * Collects garbage until memory no longer shrinks: objects that a finalizer or a closed handle releases become garbage
 * only in the next turn.
 */
const collect = async () => {
  if (counters.active > 0) return
  await setTimeout(lingerMs)
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.()
    await setTimeout(20)
  }
}

const tellState = async () => {
  await collect()
  const { external, heapUsed, rss } = process.memoryUsage()
  tell({ state: { used: heapUsed + external, rss, leases: [...leases], active: counters.active } })
}
process.on("message", () => void tellState())
process.on("disconnect", () => process.exit(0))
tell({ port: front.address.port })
