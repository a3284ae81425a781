import { execFileSync } from "node:child_process"
import { mkdirSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach } from "@effect/vitest"
import type { Client } from "@maxcloud/sdk"
import { Schema } from "effect"
import { freePort } from "../freePort.ts"
import { makeSource } from "../makeSource.ts"
import { ServerProcess } from "../serverProcess.ts"

const undoings: Array<() => unknown> = []
afterEach(async () => {
  for (const undo of undoings.splice(0).reverse()) await undo()
})

/** Undone after the test, in reverse order. */
export const afterwards = (undo: () => unknown): void => {
  undoings.push(undo)
}

/** This test's server, not started yet. */
export const faultServer = async (
  environment: NodeJS.ProcessEnv = {},
  wrapper: ReadonlyArray<string> = []
): Promise<ServerProcess> => {
  const server = new ServerProcess(await freePort(), environment, undefined, wrapper)
  afterwards(async () => {
    await server.end("SIGTERM")
    server.remove()
  })
  return server
}

/** Answers with its VERSION, exits with code 7 at `/crash`, and echoes an upgraded connection. */
const program = `const server = require("node:http").createServer(({ url }, response) => {
  if (url === "/crash") process.exit(7)
  response.end(process.env.VERSION)
})
server.on("upgrade", (_, socket) => {
  socket.on("error", () => {})
  socket.allowHalfOpen = true
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: echo\\r\\n\\r\\n")
  socket.resume()
})
server.listen(process.env.PORT)
process.on("SIGTERM", () => process.exit(0))`

export const host = "app--local.localhost"

/** An app whose service answers with its version. */
export const makeApp = () => {
  const source = makeSource(program)
  afterwards(source.remove)
  return (version: string, more: Record<string, unknown> = {}) => ({
    app: "app",
    services: [{ name: "app", source: source.folder, env: { VERSION: version }, scale: { min: 1, max: 1 }, ...more }]
  })
}

/** Seconds until `works` is true, at most `most`; undefined if it never was. */
export const secondsUntil = async (works: () => Promise<boolean>, most: number): Promise<number | undefined> => {
  const begun = performance.now()
  const seconds = () => (performance.now() - begun) / 1_000
  while (seconds() < most) {
    if (await works().catch(() => false)) return Math.round(seconds() * 10) / 10
    await sleep(25)
  }
  return undefined
}

/** Does the service answer with this version within this many milliseconds? */
export const answers = async (server: ServerProcess, version: string, withinMs = 60_000): Promise<boolean> => {
  const asked = server.ask(host)
  asked.catch(() => undefined)
  const late = sleep(withinMs, undefined, { ref: false }).then(() => undefined)
  const answer = await Promise.race([asked, late])
  return answer?.status === 200 && answer.body === version
}

const Problem = Schema.parseJson(Schema.Struct({ detail: Schema.String }))

/** The message of a refused raw API call. */
export const wordsOf = async (response: Response): Promise<string> => {
  const text = await response.text()
  return Schema.decodeUnknownOption(Problem)(text).pipe((found) => (found._tag === "Some" ? found.value.detail : text))
}

/** Sets a secret of the app; returns undefined, or the message of the refusal. */
export const setSecret = async (server: ServerProcess, name: string): Promise<string | undefined> => {
  const response = await fetch(`${server.url}/api/v1/apps/app/stages/production/secrets/${name}`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ value: `value of ${name}` })
  })
  if (!response.ok) return `${response.status} ${await wordsOf(response)}`
  await response.body?.cancel()
  return undefined
}

export const secretNames = async (client: Client): Promise<ReadonlyArray<string>> =>
  (await client.secrets.list("app")).map((each) => each.name)

/** Mounts an in-memory file system of this many MiB on a folder, as a disk that can be full. Needs root. */
export const mountDisk = (folder: string, mebibytes: number) => {
  mkdirSync(folder, { recursive: true })
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}M,mode=755`, "tmpfs", folder])
  afterwards(() => execFileSync("umount", ["--lazy", folder]))
  return {
    remount: (options: string) => execFileSync("mount", ["-o", `remount,${options}`, folder])
  }
}

const works = (file: string, ...args: ReadonlyArray<string>): boolean => {
  try {
    execFileSync(file, args, { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

/** May this machine's tests mount file systems? */
export const hasMounts =
  process.platform === "linux" && works("unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt")

/** Separate pids, shared memory, host name and network, as in a container. */
export const container = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--ipc", "--uts", "--net"]
export const hasContainers = process.platform === "linux" && works("unshare", ...container.slice(1), "true")

/** The message of a call's rejection. */
export const rejection = (promise: Promise<unknown>): Promise<string | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error))
  )
