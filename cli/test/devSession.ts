import { request } from "node:http"
import { expect } from "@effect/vitest"
import { start } from "./cli.ts"

/** GET of a `*.localhost` URL, whose host Node can't resolve: it is the server's own address. Rejects if the body takes too long. */
export const get = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  new Promise<{ readonly status: number; readonly body: string }>((resolve, reject) => {
    const { host, pathname, port, search } = new URL(url)
    const options = { host: "127.0.0.1", port, path: `${pathname}${search}`, headers: { ...headers, host } }
    request(options, async (response) => {
      let body = ""
      for await (const chunk of response.setEncoding("utf8")) body += chunk
      resolve({ status: response.statusCode ?? 0, body })
    })
      .on("error", reject)
      .end()
  })

/** Opens a WebSocket on a `*.localhost` URL, and returns the received texts. Frames from the server have no mask (RFC 6455, 5.1). */
export const openSocket = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  new Promise<{ readonly texts: ReadonlyArray<string>; readonly close: () => void }>((resolve, reject) => {
    const { host, pathname, port, search } = new URL(url)
    const handshake = request({
      host: "127.0.0.1",
      port,
      path: `${pathname}${search}`,
      headers: {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        origin: `http://${host}`,
        ...headers,
        host
      }
    })
    handshake.on("response", ({ statusCode }) => reject(new Error(`expected an upgrade, got ${statusCode}`)))
    handshake.on("error", reject)
    handshake.on("upgrade", (_, socket, head) => {
      const texts: string[] = []
      let rest = Buffer.alloc(0)
      const take = (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk])
        while (rest.length >= 2) {
          const short = (rest[1] ?? 0) & 0x7f
          const at = short === 126 ? 4 : short === 127 ? 10 : 2
          if (rest.length < at) return
          const length = short === 126 ? rest.readUInt16BE(2) : short === 127 ? Number(rest.readBigUInt64BE(2)) : short
          if (rest.length < at + length) return
          texts.push(rest.toString("utf8", at, at + length))
          rest = rest.subarray(at + length)
        }
      }
      take(head)
      socket.on("data", take).on("error", () => {})
      resolve({ texts, close: () => socket.destroy() })
    })
    handshake.end()
  })

export interface SessionOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

/** `maxcloud dev` in a folder, on a free port unless the options name one. */
export const devIn = async (cwd: string, { args = ["--port", "0"], env = {} }: SessionOptions = {}) => {
  const running = start(["dev", ...args], { cwd, env })
  const apiUrl = /max-cloud is at (\S+),/.exec(await running.until(/max-cloud is at \S+,/))?.[1] ?? ""
  const { port } = new URL(apiUrl)
  const urlOf = (service: string) => `http://${service}--shop--dev--local.localhost:${port}/`
  return {
    ...running,
    apiUrl,
    urlOf,
    count: (text: string) => (running.output().stdout + running.output().stderr).split(text).length - 1,
    /** Polls the service until its response matches. */
    answers: async (service: string, pattern: RegExp, timeout = 60_000) => {
      try {
        await expect
          .poll(() => get(urlOf(service)).then(({ body }) => body), { timeout, interval: 150 })
          .toMatch(pattern)
      } catch (cause) {
        const { stderr, stdout } = running.output()
        throw new Error(`${service} didn't answer ${pattern}:\n${stdout}${stderr}`, { cause })
      }
    },
    end: async () => {
      running.child.kill("SIGINT")
      return running.ended
    }
  }
}
