import { fork } from "node:child_process"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { type Benchmark, megabytes } from "./measure.ts"

interface Memory {
  readonly used: number
  readonly resident: number
}

const serviceId = `svc_${"a".repeat(32)}`

/** Follows one organization's log with its own key. Resolves when the first line arrives. */
const follow = (port: number, nth: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const token = `${String(nth).padStart(32, "0")}${nth % 4}`
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(
        `GET /api/v1/services/${serviceId}/logs?follow=true HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`
      )
    )
    socket.on("error", reject)
    let text = ""
    const onData = (chunk: Buffer) => {
      text += chunk.toString("latin1")
      if (!text.includes("event: log")) return
      socket.off("data", onData).resume()
      resolve(socket)
    }
    socket.on("data", onData)
  })

/** Bytes that each of many followers adds to the server: heap and buffers after a garbage collection, and resident memory. */
export const measureFollowers = async (count: number) => {
  const server = fork(join(import.meta.dirname, "followersPart.ts"), {
    execArgv: ["--expose-gc", "--disable-warning=ExperimentalWarning"]
  })
  const [{ port }] = await once(server, "message")
  const ask = async (message: { readonly write?: number }): Promise<Memory> => {
    server.send(message)
    const [answer] = await once(server, "message")
    return answer
  }
  const sockets: Array<Socket> = []
  const open = async (n: number) => {
    for (let nth = 0; nth < n; nth++) sockets.push(await follow(port, nth))
  }
  const closeAll = () => {
    for (const socket of sockets.splice(0)) socket.destroy()
  }
  await ask({ write: 100 })
  // The first followers compile code and fill pools.
  await open(50)
  await ask({ write: 500 })
  closeAll()
  await ask({})
  const none = await ask({})
  await open(count)
  const quiet = await ask({})
  await ask({ write: 1_000 })
  const chatty = await ask({})
  closeAll()
  await ask({})
  const after = await ask({})
  server.disconnect()
  const each = (memory: Memory) => ({
    used: Math.round((memory.used - none.used) / count),
    resident: Math.round((memory.resident - none.resident) / count)
  })
  return { none, quiet: each(quiet), chatty: each(chatty), left: each(after) }
}

const count = 200

export const followersBenchmark: Benchmark = {
  name: "followers",
  run: async () => {
    const { chatty, left, none, quiet } = await measureFollowers(count)
    const kilobytes = ({ used }: { readonly used: number }) => `${Math.round(used / 1e3)} kB`
    return [
      {
        work: `each of ${count} followers of a log: heap and buffers after a garbage collection`,
        ours: kilobytes(quiet),
        peer: `of a log of 500 lines a second ${kilobytes(chatty)}, ${kilobytes(left)} remain after they disconnect, server without followers ${megabytes(none.used)}`,
        ratio: "",
        goal: "≤ 50 kB"
      }
    ]
  }
}

if (import.meta.main) console.log(JSON.stringify(await measureFollowers(Number(process.argv[2] ?? 200))))
