import { connect } from "node:net"
import type { Protocol } from "../../../diagnosis/listening.ts"
import { alivePath, aliveRequest, http2Preface } from "./aliveRequest.ts"

/** The protocol of a program's answer to an HTTP request. `unknown`: no answer in time. */
export type Speech =
  | { readonly said: "tls" | "closed" | "unknown" | "refused" }
  /** `protocol`: of the answer. */
  | { readonly said: "http"; readonly protocol: Protocol }
  | { readonly said: "other"; readonly first: string }

export interface SpeechTarget {
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
}

/** Without a Host header: HTTP/1.1 servers refuse it themselves (RFC 9112, 3.2), before any handler runs. */
const hostless = Buffer.from(`GET ${alivePath} HTTP/1.1\r\nConnection: close\r\n\r\n`)

const mostBytes = 4_096
/** How long to wait for the rest of an answer: the body of a refusal may say that this port expects TLS. */
const bodyMs = 50

const isSettings = (answer: Buffer) =>
  answer.length >= 9 && answer[3] === 4 && answer.readUIntBE(0, 3) % 6 === 0 && answer.readUInt32BE(5) === 0
const isAlert = (answer: Buffer) => answer[0] === 0x15 && answer[1] === 3
const wantsTls = /HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port/i

/** A line of text to show, or a description if it isn't text. */
const shown = (answer: Buffer): string => {
  const line = answer.toString("utf8").trimStart().split(/\r?\n/)[0]?.slice(0, 60).trim() ?? ""
  return line !== "" && /^[\x20-\x7e]+$/.test(line) ? JSON.stringify(line) : "something that isn't text"
}

const judge = (answer: Buffer): Speech => {
  const head = answer.subarray(0, 5).toString("latin1")
  if (head === "HTTP/") {
    return wantsTls.test(answer.toString("latin1")) ? { said: "tls" } : { said: "http", protocol: "http1" }
  }
  if (isSettings(answer)) return { said: "http", protocol: "h2c" }
  return isAlert(answer) ? { said: "tls" } : { said: "other", first: shown(answer) }
}

const ask = ({ host, port, timeoutMs }: SpeechTarget, request: Buffer): Promise<Speech> =>
  new Promise((resolve) => {
    const socket = connect({ host, port })
    let answer = Buffer.alloc(0)
    const end = (speech: Speech) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(speech)
    }
    const timer = setTimeout(() => end(answer.length > 0 ? judge(answer) : { said: "unknown" }), timeoutMs)
    let body: NodeJS.Timeout | undefined
    socket.on("connect", () => socket.write(request))
    socket.on("data", (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]).subarray(0, mostBytes)
      // It may arrive in pieces.
      if (answer.length < 9) {
        body ??= setTimeout(() => end(judge(answer)), bodyMs)
        return
      }
      const speech = judge(answer)
      if (speech.said !== "http" || isSettings(answer)) return end(speech)
      body ??= setTimeout(() => end(judge(answer)), bodyMs)
    })
    const over = (cause?: NodeJS.ErrnoException) => {
      clearTimeout(body)
      if (answer.length > 0) end(judge(answer))
      else end({ said: cause?.code === "ECONNREFUSED" ? "refused" : "closed" })
    }
    socket.on("end", () => over())
    socket.on("close", () => over())
    socket.on("error", over)
  })

/**
 * Does a program speak HTTP on this port? It counts as another protocol only after such answers to three different kinds of
 * request. The requests change nothing, and most servers answer the first without running a handler.
 */
export const speechOf = async (target: SpeechTarget): Promise<Speech> => {
  const first = await ask(target, hostless)
  if (first.said !== "other" && first.said !== "closed") return first
  for (const request of [http2Preface, aliveRequest("localhost")]) {
    const next = await ask(target, request)
    if (next.said === "http" || next.said === "tls" || next.said === "unknown") return next
  }
  return first
}

/** Does a program answer a request in this protocol by another version of HTTP? Then it only speaks that one. */
export const speaksOtherwise = async (target: SpeechTarget, declared: Protocol): Promise<boolean> => {
  const first = await ask(target, declared === "h2c" ? http2Preface : hostless)
  // Some servers that only speak one version close the connection on the other.
  const answer = first.said === "closed" ? await ask(target, declared === "h2c" ? hostless : http2Preface) : first
  return answer.said === "http" && answer.protocol !== declared
}
