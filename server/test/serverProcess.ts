import { type ChildProcess, spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { type IncomingMessage, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createClient } from "@maxcloud/sdk"
import { withMadeDatabase } from "./database/madeDatabase.ts"

const main = join(import.meta.dirname, "../src/assembly/main.ts")

/** A server as its own process, which tests may kill at any moment, on a data folder and a port that outlive it. */
export class ServerProcess {
  readonly dataDirectory: string
  /** Its folder for temporary files. */
  readonly temporaryFolder: string
  readonly port: number
  readonly #folder: string
  #child: ChildProcess | undefined
  #output = ""
  readonly #environment: NodeJS.ProcessEnv
  readonly #command: ReadonlyArray<string>

  /** `environment` overrides that of the test; `wrapper` is the start of a command that runs the rest of it. */
  constructor(port: number, environment: NodeJS.ProcessEnv = {}, program = main, wrapper: ReadonlyArray<string> = []) {
    // In gVisor a start takes a second longer and each pod 100 MB more, too much for the many pods of the cluster tests. Those that
    // are about gVisor set it.
    this.#environment = { MAXCLOUD_RUNTIME_CLASS: process.env["MAXCLOUD_RUNTIME_CLASS"] ?? "none", ...environment }
    this.#command = [...wrapper, process.execPath, program]
    this.#folder = mkdtempSync(join(tmpdir(), "maxcloud-server-"))
    chmodSync(this.#folder, 0o755)
    // Too long for a socket's path: Postgres has its socket in the temporary folder.
    this.dataDirectory = join(this.#folder, "data".repeat(20))
    if (environment["DATABASE_URL"] === undefined) withMadeDatabase(this.dataDirectory)
    this.temporaryFolder = join(this.#folder, "tmp")
    // Postgres, as a separate user, must be able to enter.
    chmodSync(this.#folder, 0o755)
    mkdirSync(this.temporaryFolder)
    this.port = port
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  get client() {
    return createClient({ apiUrl: this.url })
  }

  get pid() {
    return this.#child?.pid ?? 0
  }

  get output() {
    return this.#output
  }

  /** The process of its embedded Postgres, which outlives a kill; undefined if there is none. */
  get postgresPid(): number | undefined {
    try {
      return Number(readFileSync(join(this.dataDirectory, "postgres/data/postmaster.pid"), "utf8").split("\n")[0])
    } catch {
      return undefined
    }
  }

  /** Changes its environment from the next start on. */
  change(environment: NodeJS.ProcessEnv) {
    Object.assign(this.#environment, environment)
  }

  /** Starts it; with `ready` false it returns at once. */
  async start(ready = true) {
    const [file = "", ...args] = this.#command
    const child = spawn(file, args, {
      env: {
        ...process.env,
        ...this.#environment,
        TMPDIR: this.temporaryFolder,
        NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"),
        MAXCLOUD_DATA_DIR: this.dataDirectory,
        MAXCLOUD_PORT: String(this.port),
        MAXCLOUD_LOG_LEVEL: "Warning"
      },
      stdio: ["ignore", "pipe", "pipe"]
    })
    this.#child = child
    const collect = (chunk: Buffer) => {
      this.#output = (this.#output + chunk.toString()).slice(-2_000_000)
    }
    child.stdout.on("data", collect)
    child.stderr.on("data", collect)
    if (!ready) return
    const deadline = Date.now() + 90_000
    while (!(await this.#healthy())) {
      if (child.exitCode !== null) throw new Error(`the server exited with ${child.exitCode}:\n${this.#output}`)
      if (Date.now() > deadline) throw new Error(`the server isn't ready:\n${this.#output}`)
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  }

  /** Stops it with a signal, and returns when it has exited. */
  async end(signal: "SIGTERM" | "SIGKILL") {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
    child.kill(signal)
    await ended
  }

  /** Its exit code, once it exits on its own. */
  ended() {
    const child = this.#child
    return new Promise<number | null>((resolve) => child?.once("exit", resolve))
  }

  remove() {
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #healthy() {
    return await fetch(`${this.url}/healthz`).then(
      (response) => response.ok,
      () => false
    )
  }

  /** Sends a request to a service by its public host, on the server's port; resolves with the answer's head. */
  open(host: string, path = "/") {
    return new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: "127.0.0.1", port: this.port, path, headers: { host: `${host}:${this.port}` } }, resolve)
        .on("error", reject)
        .end()
    })
  }

  /** Requests a service by its public host. */
  async ask(host: string, path = "/") {
    const response = await this.open(host, path)
    let body = ""
    for await (const chunk of response.setEncoding("utf8")) body += chunk
    return { status: response.statusCode ?? 0, body }
  }
}

/** The processes whose environment contains this text (Linux). */
export const processesWith = (marker: string): ReadonlyArray<number> =>
  readdirSync("/proc").flatMap((entry) => {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) return []
    try {
      return readFileSync(`/proc/${entry}/environ`, "utf8").includes(marker) ? [Number(entry)] : []
    } catch {
      return []
    }
  })

/** The process groups of the processes whose environment contains this text: an instance is one group (Linux). */
export const groupsWith = (marker: string): ReadonlyArray<number> => [
  ...new Set(
    processesWith(marker).flatMap((pid) => {
      try {
        return [
          Number(
            readFileSync(`/proc/${pid}/stat`, "utf8")
              .replace(/^.*\) /s, "")
              .split(" ")[2]
          )
        ]
      } catch {
        return []
      }
    })
  )
]

/** Resident memory of a process in bytes (Linux). */
export const residentBytes = (pid: number): number => {
  const match = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))
  return Number(match?.[1] ?? Number.NaN) * 1024
}
