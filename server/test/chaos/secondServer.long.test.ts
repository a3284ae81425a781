import { spawn } from "node:child_process"
import { assert, describe, expect, it } from "@effect/vitest"
import type { ServerProcess } from "../serverProcess.ts"
import { answers, container, faultServer, hasContainers, makeApp, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

const main = new URL("../../src/assembly/main.ts", import.meta.url).pathname

/** Starts another server on a running server's folder, and returns its output when it exits. */
const startAnother = (server: ServerProcess, wrapper: ReadonlyArray<string>, port: number): Promise<string> => {
  const [file = "", ...args] = [...wrapper, process.execPath, main]
  const child = spawn(file, args, {
    env: {
      ...process.env,
      MAXCLOUD_DATA_DIR: server.dataDirectory,
      MAXCLOUD_PORT: String(port),
      TMPDIR: server.temporaryFolder
    },
    stdio: ["ignore", "ignore", "pipe"]
  })
  let output = ""
  child.stderr.on("data", (chunk) => {
    output += String(chunk)
  })
  return new Promise((resolve) => child.on("close", () => resolve(output)))
}

describe.skipIf(!hasContainers)("a second server on one data folder", () => {
  it.each([
    ["of the same machine", []],
    ["of another container", container]
  ])("%s is refused, and the first keeps running", { timeout: 180_000 }, async (where, wrapper) => {
    const server = await faultServer()
    const app = makeApp()
    await server.start()
    await server.client.deploy(app("1"))
    const words = await startAnother(server, wrapper, server.port + 1)
    expect(words).toMatch(/is in use by another max-cloud server/)
    expect(await answers(server, "1")).toBe(true)
    await server.end("SIGKILL")
    await server.start()
    const seconds = await secondsUntil(() => answers(server, "1"), 60)
    assert(seconds !== undefined)
    recordFault(import.meta.filename, {
      fault: `A second server ${where} is started on the data folder`,
      seen: "it exits immediately: “… is in use by another max-cloud server (process …). Stop that one, or give this one a data folder of its own.”",
      recovery: "the first server isn't touched, and neither is the database",
      seconds: null
    })
  })
})
