import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const program = join(import.meta.dirname, "../../../cli/src/main.ts")

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A running `maxcloud` command, with its output so far. */
export const startCommand = (args: ReadonlyArray<string>, environment: Readonly<Record<string, string>> = {}) => {
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), "node-compile-cache"), ...environment },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const written = { stdout: "", stderr: "" }
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written.stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.stderr += text
  })
  const ended = new Promise<Outcome>((resolve) => child.once("close", (code) => resolve({ code, ...written })))
  return { ended, written, interrupt: () => child.kill("SIGINT") }
}

/** `maxcloud deploy` of an app as plain data to this server. */
export const startDeploy = (apiUrl: string, app: unknown, args: ReadonlyArray<string> = []) => {
  const folder = mkdtempSync(join(tmpdir(), "maxcloud-app-"))
  const file = join(folder, "app.json")
  writeFileSync(file, JSON.stringify(app))
  const command = startCommand(["deploy", "-f", file, "--api-url", apiUrl, ...args])
  void command.ended.then(() => rmSync(folder, { recursive: true, force: true }))
  return command
}
