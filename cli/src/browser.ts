import { spawn } from "node:child_process"
import { Effect } from "effect"

const openers: Readonly<Record<string, readonly [string, ...Array<string>]>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
  linux: ["xdg-open"]
}

/** Starts the system's browser; a machine without one is no failure, since the URL is printed. */
export const openInBrowser = (url: string): Effect.Effect<void> =>
  Effect.async((resume) => {
    const [program, ...args] = openers[process.platform] ?? ["xdg-open"]
    const child = spawn(program, [...args, url], { stdio: "ignore", detached: true })
    child.on("error", () => resume(Effect.void))
    child.on("spawn", () => {
      child.unref()
      resume(Effect.void)
    })
  })
