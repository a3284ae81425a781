import { type ChildProcess, spawn } from "node:child_process"

/** Counts the lines that a log follower prints. */
export class LogFollower {
  readonly #child: ChildProcess
  readonly command: string
  count = 0
  #told: (() => void) | undefined

  constructor(command: string, args: ReadonlyArray<string>, env: NodeJS.ProcessEnv) {
    this.command = [command, ...args].join(" ")
    this.#child = spawn(command, args, { env, stdio: ["ignore", "pipe", "inherit"] })
    this.#child.stdout?.on("data", (piece: Buffer) => {
      for (let at = piece.indexOf(10); at !== -1; at = piece.indexOf(10, at + 1)) this.count++
      this.#told?.()
    })
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  until(count: number, limit: number): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (came: boolean) => {
        clearTimeout(timer)
        this.#told = undefined
        resolve(came)
      }
      const timer = setTimeout(() => finish(false), limit)
      this.#told = () => {
        if (this.count >= count) finish(true)
      }
      this.#told()
    })
  }

  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#child.once("exit", () => resolve())
      this.#child.kill("SIGTERM")
    })
  }
}
