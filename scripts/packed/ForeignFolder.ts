import { type ChildProcess, type SpawnOptions, type SpawnSyncOptions, spawn, spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

export interface Ended {
  readonly status: number | null
  readonly stdout: string
  /** Both streams. */
  readonly output: string
}

/** The workspace that the packages come from. */
export const root = join(import.meta.dirname, "..", "..")

/** A folder outside the workspace that other users can't access, and the results of the checks in it. */
export const makeForeignFolder = () => {
  const work = mkdtempSync(join(tmpdir(), "maxcloud-packed-"))
  chmodSync(work, 0o755)
  const app = join(work, "app")
  const tarballs = join(work, "tarballs")
  for (const folder of [app, tarballs]) mkdirSync(folder)
  const running = new Set<ChildProcess>()
  const count = { passed: 0, failed: 0 }

  // The workspace's npm settings don't apply to the folder.
  const { MAXCLOUD_PNPM: pnpm, ...env } = process.env
  for (const key of Object.keys(env))
    if (/^(MAXCLOUD_|npm_|DATABASE_URL$|KUBE|NODE_OPTIONS$)/.test(key)) delete env[key]

  const run = (command: string, args: ReadonlyArray<string>, options: SpawnSyncOptions = {}): Ended => {
    const done = spawnSync(command, args, { cwd: app, env, timeout: 300_000, ...options, encoding: "utf8" })
    return {
      status: done.status,
      stdout: done.stdout ?? "",
      output: `${done.stdout ?? ""}${done.stderr ?? ""}${done.error ?? ""}`
    }
  }

  return {
    app,
    /** The environment of programs that run there. */
    env,
    /** The absolute path of a folder beside the app, without installed packages. */
    outside: (name: string) => {
      const folder = join(work, name)
      mkdirSync(folder, { recursive: true })
      return folder
    },
    tarballs: () => readdirSync(tarballs).map((name) => join(tarballs, name)),
    run,
    /** pnpm 10, like the workspace's. */
    pnpm: (args: ReadonlyArray<string>, cwd: string) =>
      pnpm === undefined
        ? run("npx", ["-y", "pnpm@10", ...args], { cwd })
        : run(process.execPath, [pnpm, ...args], { cwd }),
    pack: (name: string) => {
      const args = ["pack", "--pack-destination", tarballs]
      const cwd = join(root, name)
      return pnpm === undefined ? run("pnpm", args, { cwd }) : run(process.execPath, [pnpm, ...args], { cwd })
    },
    /** The installed command. */
    maxcloud: (args: ReadonlyArray<string>, options: SpawnSyncOptions = {}) =>
      run(join(app, "node_modules", ".bin", "maxcloud"), args, options),
    write: (file: string, text: string) => {
      mkdirSync(dirname(join(app, file)), { recursive: true })
      writeFileSync(join(app, file), text)
    },
    /** Starts the installed command, and waits for its first output. */
    start: (args: ReadonlyArray<string>, options: SpawnOptions = {}) =>
      new Promise<{ readonly printed: string; readonly stop: () => Promise<number | null> }>((resolve, reject) => {
        const child = spawn(join(app, "node_modules", ".bin", "maxcloud"), args, {
          cwd: app,
          env,
          ...options,
          stdio: ["ignore", "pipe", "pipe"]
        })
        running.add(child)
        let errors = ""
        const ended = new Promise<number | null>((exit) => {
          child.on("exit", (code) => {
            running.delete(child)
            exit(code)
            reject(new Error(`it exited with ${code}: ${errors}`))
          })
        })
        child.stderr.on("data", (chunk) => {
          errors = `${errors}${chunk}`.slice(-4000)
        })
        child.stdout.once("data", (chunk) =>
          resolve({
            printed: String(chunk),
            stop: () => {
              child.kill("SIGTERM")
              return ended
            }
          })
        )
      }),
    check: (name: string, holds: boolean, output: string) => {
      count[holds ? "passed" : "failed"] += 1
      console.log(`${holds ? "ok" : "FAILED"}: ${name}`)
      if (!holds) console.log(output.trimEnd().split("\n").slice(-30).join("\n"))
    },
    /** Removes the folder, and returns the process's exit code. */
    finish: () => {
      for (const child of running) child.kill("SIGTERM")
      rmSync(work, { recursive: true, force: true })
      console.log(`${count.passed} passed, ${count.failed} failed`)
      return count.failed === 0 ? 0 : 1
    }
  }
}

export type ForeignFolder = ReturnType<typeof makeForeignFolder>
