import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { connect as connect2 } from "node:http2"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import type { CallerKind, Case, Script } from "./fuzz.ts"
import { onRequests } from "./rawHttp2.ts"

export interface FuzzResult {
  cases: number
  /** By status of the answer; `broken` of them were cut after it. */
  readonly byStatus: Map<number, number>
  broken: number
  /** Callers that got no head of an answer, with what they were sent. */
  readonly unanswered: Array<string>
  readonly uncaught: Array<string>
  readonly faults: Array<string>
  exits: number
  /** Resident bytes of the front, after each batch. */
  readonly resident: Array<number>
  /** Bytes of the front's heap and external buffers after each batch, with nothing in progress and all garbage collected. */
  readonly used: Array<number>
  /** Cases whose slot was never returned. */
  held: Array<string>
  active: number
}

const play = async (socket: Socket, { chunks, last }: Script): Promise<void> => {
  for (const [n, chunk] of chunks.entries()) {
    if (n > 0) await new Promise((resolve) => setImmediate(resolve))
    if (!socket.destroyed) socket.write(chunk)
  }
  if (last === "end") socket.end()
  else if (last === "destroy") socket.destroySoon()
  else if (last === "reset") socket.resetAndDestroy()
}

/** An instance that plays the script of its worker's current case. */
const makeInstance = async (protocol: Case["protocol"], current: () => Case | undefined) => {
  const server = createServer((socket) => {
    socket.on("error", () => {})
    if (protocol === "h2c") {
      onRequests(socket, (stream) => {
        const now = current()
        if (now !== undefined) void play(socket, now.script(stream))
      })
      return
    }
    socket.on("data", (chunk) => {
      const now = current()
      if (now !== undefined && chunk.includes("\r\n\r\n")) void play(socket, now.script(0))
    })
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return { server, port: (server.address() as AddressInfo).port }
}

/** Longer than the front's own timeout: callers without an answer by then get none. */
const patienceMs = 8_000
/** For the rest of a started answer, which an instance may leave open forever. */
const restMs = 300

interface Seen {
  readonly status: number | undefined
  readonly whole: boolean
}

const ask1 = (port: number, host: string, kind: CallerKind): Promise<Seen> =>
  new Promise((resolve) => {
    let status: number | undefined
    const method = kind === "post" ? "POST" : kind === "head" ? "HEAD" : "GET"
    const headers = { host, ...(kind === "upgrade" ? { connection: "Upgrade", upgrade: "websocket" } : {}) }
    const request = httpRequest({ host: "127.0.0.1", port, method, headers, agent: false })
    const timer = setTimeout(() => end(false), patienceMs)
    const end = (whole: boolean) => {
      clearTimeout(timer)
      resolve({ status, whole })
      request.destroy()
    }
    request.on("error", () => end(false))
    request.on("upgrade", ({ statusCode }, socket) => {
      status = statusCode
      socket.destroy()
      end(true)
    })
    request.on("response", (response) => {
      status = response.statusCode
      response.on("error", () => end(false))
      response.on("close", () => end(response.complete))
      setTimeout(() => end(false), restMs).unref()
      response.resume()
    })
    request.end(kind === "post" ? "hello" : undefined)
  })

/** HTTP/1.0, by hand. */
const askOld = (port: number, host: string): Promise<Seen> =>
  new Promise((resolve) => {
    let text = ""
    const socket = connect(port, "127.0.0.1", () => socket.write(`GET / HTTP/1.0\r\nHost: ${host}\r\n\r\n`))
    const timer = setTimeout(() => socket.destroy(), patienceMs)
    socket.on("data", (chunk) => {
      text += chunk.toString("latin1")
      setTimeout(() => socket.destroy(), restMs).unref()
    })
    socket.on("error", () => {})
    socket.on("close", () => {
      clearTimeout(timer)
      const [, status] = /^HTTP\/1\.1 (\d{3}) [^\r\n]*\r\n(?:[^\r\n]*\r\n)*\r\n/.exec(text) ?? []
      resolve({ status: status === undefined ? undefined : Number(status), whole: true })
    })
  })

const ask2 = (port: number, host: string, kind: CallerKind): Promise<Seen> =>
  new Promise((resolve) => {
    let status: number | undefined
    const session = connect2(`http://127.0.0.1:${port}`)
    session.on("error", () => {})
    const post = kind === "post2"
    const stream = session.request(
      { ":authority": host, ":path": "/", ":method": post ? "POST" : "GET" },
      { endStream: !post }
    )
    const timer = setTimeout(() => stream.close(), patienceMs)
    stream.on("error", () => {})
    stream.on("response", (headers) => {
      status = headers[":status"]
      setTimeout(() => stream.close(), restMs).unref()
    })
    stream.on("close", () => {
      clearTimeout(timer)
      session.destroy()
      resolve({ status, whole: stream.rstCode === 0 })
    })
    stream.resume()
    if (post) stream.end("hello")
  })

const ask = (port: number, host: string, kind: CallerKind): Promise<Seen> =>
  kind === "old"
    ? askOld(port, host)
    : kind === "get2" || kind === "post2"
      ? ask2(port, host, kind)
      : ask1(port, host, kind)

interface State {
  readonly rss: number
  readonly used: number
  /** Cases that hold a slot. */
  readonly leases: ReadonlyArray<number>
  readonly active: number
}

/** Undefined: the process is gone. */
const stateOf = (child: ChildProcess): Promise<State | undefined> =>
  new Promise((resolve) => {
    const onMessage = (message: object) => {
      if ("state" in message) end(message.state as State)
    }
    const onExit = () => end(undefined)
    const end = (state: State | undefined) => {
      child.off("message", onMessage).off("exit", onExit)
      resolve(state)
    }
    child.on("message", onMessage).on("exit", onExit)
    if (child.connected) child.send("state")
    else end(undefined)
  })

const describeCase = ({ caller, protocol, script }: Case): string => {
  const { chunks, last } = script(1)
  return `${caller} ${protocol} ${last} ${chunks.map((chunk) => JSON.stringify(chunk.toString("latin1"))).join(" + ")}`
}

/** Runs all cases against a front in a separate process. */
export const fuzz = async (
  cases: Iterable<Case>,
  options: { readonly workers: number; readonly batch: number }
): Promise<FuzzResult> => {
  const child = fork(new URL("../../src/base/proxy/fuzzFront.ts", import.meta.url), {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"]
  })
  const result: FuzzResult = {
    cases: 0,
    byStatus: new Map(),
    broken: 0,
    unanswered: [],
    uncaught: [],
    faults: [],
    exits: 0,
    resident: [],
    used: [],
    held: [],
    active: 0
  }
  const note = (list: Array<string>, text: string) => list.length < 50 && list.push(text)
  const [{ port }] = await once(child, "message")
  child.on("message", (message: object) => {
    if ("uncaught" in message) note(result.uncaught, String(message.uncaught))
    if ("fault" in message) note(result.faults, String(message.fault))
  })
  child.on("exit", () => result.exits++)
  const all = cases[Symbol.iterator]()
  const described = new Map<number, string>()
  let begun = 0
  const makeWorker = async () => {
    let current: Case | undefined
    const instances = {
      http1: await makeInstance("http1", () => current),
      h2c: await makeInstance("h2c", () => current)
    }
    const run = async (one: Case, which: number) => {
      current = one
      const { caller, protocol } = one
      const seen = await ask(port, `${instances[protocol].port}-${protocol}-${which}--local.localhost`, caller)
      if (seen.status === undefined) note(result.unanswered, describeCase(one))
      else result.byStatus.set(seen.status, (result.byStatus.get(seen.status) ?? 0) + 1)
      if (!seen.whole) result.broken++
      result.cases++
    }
    const close = () => {
      for (const { server } of Object.values(instances)) server.close()
    }
    return { run, close }
  }
  const workers = await Promise.all(Array.from({ length: options.workers }, makeWorker))
  let left = true
  const runBatch = async () => {
    const last = begun + options.batch
    const work = async ({ run }: (typeof workers)[number]) => {
      while (begun < last && result.exits === 0) {
        const next = all.next()
        if (next.done === true) {
          left = false
          break
        }
        const which = ++begun
        described.set(which, describeCase(next.value))
        described.delete(which - 5_000)
        await run(next.value, which)
      }
    }
    await Promise.all(workers.map(work))
  }
  const settled = async (): Promise<State | undefined> => {
    for (let tries = 0; ; tries++) {
      const state = await stateOf(child)
      if (state === undefined || tries === 50 || (state.active === 0 && state.leases.length === 0)) return state
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  while (left && result.exits === 0) {
    await runBatch()
    const state = await settled()
    if (state === undefined) break
    result.resident.push(state.rss)
    result.used.push(state.used)
    result.held = state.leases.map((which) => described.get(which) ?? "")
    result.active = state.active
  }
  for (const { close } of workers) close()
  if (result.exits === 0) {
    const { exits } = result
    child.disconnect()
    await once(child, "exit")
    result.exits = exits
  }
  return result
}
