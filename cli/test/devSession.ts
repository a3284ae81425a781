import { request } from "node:http"
import { expect } from "vitest"
import { start } from "./cli.ts"

/** GET of a `*.localhost` URL: its host is the server's own address, which Node cannot look up. Rejects if the body takes too long. */
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

export interface SessionOptions {
  readonly args?: ReadonlyArray<string>
  readonly env?: Readonly<Record<string, string>>
}

/** `maxcloud dev` in a folder, on a free port unless the options say one. */
export const devIn = async (cwd: string, { args = ["--port", "0"], env = {} }: SessionOptions = {}) => {
  const running = start(["dev", ...args], { cwd, env })
  const apiUrl = /max-cloud is at (\S+),/.exec(await running.until(/max-cloud is at \S+,/))?.[1] ?? ""
  const { port } = new URL(apiUrl)
  const urlOf = (service: string) => `http://${service}--dev--local.localhost:${port}/`
  return {
    ...running,
    apiUrl,
    urlOf,
    count: (text: string) => (running.output().stdout + running.output().stderr).split(text).length - 1,
    /** Polls the service until its answer matches. */
    answers: async (service: string, pattern: RegExp, timeout = 30_000) => {
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
