import { spawn } from "node:child_process"
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { request } from "node:http"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder with a small Node service that responds with its version. A benchmark may add files. */
export const makeExampleApp = () => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-bench-"))
  chmodSync(folder, 0o755)
  const writeVersion = (version: string) =>
    writeFileSync(
      join(folder, "server.js"),
      `const server = require("node:http").createServer((_, response) => response.end(${JSON.stringify(version)}))
server.listen(process.env.PORT)
process.on("SIGTERM", () => server.close())
`
    )
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "app", scripts: { start: "node server.js" } }))
  writeVersion("1")
  return { folder, writeVersion, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

export const freePort = () =>
  new Promise<number>((resolve, reject) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() =>
        address !== null && typeof address === "object" ? resolve(address.port) : reject(new Error("no port"))
      )
    })
  })

/** The response body from a port; undefined if it doesn't respond (yet). */
export const ask = (port: number, host = `127.0.0.1:${port}`) =>
  new Promise<string | undefined>((resolve) => {
    request({ host: "127.0.0.1", port, headers: { host, connection: "close" } }, (response) => {
      let body = ""
      response.on("data", (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on("end", () => resolve(body))
      response.on("error", () => resolve(undefined))
    })
      .on("error", () => resolve(undefined))
      .end()
  })

/** Seconds until `answer` returns the expected value. It's called again without a pause. */
export const secondsUntil = async (answer: () => Promise<boolean>, limitSeconds = 120) => {
  const start = process.hrtime.bigint()
  const elapsed = () => Number(process.hrtime.bigint() - start) / 1e9
  while (!(await answer())) {
    if (elapsed() > limitSeconds) throw new Error(`no expected response within ${limitSeconds} s`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return elapsed()
}

/** Seconds from the spawn of the app's process until it responds. Every platform needs at least this long. */
export const ownStart = async (folder: string) => {
  const port = await freePort()
  const child = spawn(process.execPath, ["server.js"], {
    cwd: folder,
    env: { PATH: process.env.PATH, PORT: String(port) },
    stdio: "ignore"
  })
  const taken = await secondsUntil(async () => (await ask(port)) !== undefined)
  await new Promise<void>((resolve) => {
    child.once("exit", () => resolve())
    child.kill("SIGTERM")
  })
  return taken
}
