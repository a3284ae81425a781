import { spawn } from "node:child_process"
import { win32 } from "node:path"
import { Effect } from "effect"

/** A program with its arguments. */
type Opener = readonly [program: string, ...args: ReadonlyArray<string>]

/**
 * The program that opens a page on this system; undefined if `url` isn't the address of a web page. A URL comes from a server, so no shell
 * ever reads it (`cmd /c start` takes `&` for the next command), and its normal form starts with a scheme, never with a dash.
 */
export const openerOf = (
  url: string,
  platform: NodeJS.Platform,
  environment: NodeJS.ProcessEnv
): Opener | undefined => {
  const page = URL.canParse(url) ? new URL(url) : undefined
  if (page?.protocol !== "https:" && page?.protocol !== "http:") return undefined
  if (platform === "darwin") return ["/usr/bin/open", page.href]
  if (platform !== "win32") return ["xdg-open", page.href]
  const system = win32.join(environment["SystemRoot"] ?? "C:\\Windows", "System32")
  return [win32.join(system, "rundll32.exe"), "url.dll,FileProtocolHandler", page.href]
}

/** Starts the system's browser. If there is none, that isn't a failure, since the URL is printed too. */
export const openInBrowser = (url: string): Effect.Effect<void> =>
  Effect.async((resume) => {
    const opener = openerOf(url, process.platform, process.env)
    if (opener === undefined) return resume(Effect.void)
    const [program, ...args] = opener
    const child = spawn(program, args, { stdio: "ignore", detached: true })
    child.on("error", () => resume(Effect.void))
    child.on("spawn", () => {
      child.unref()
      resume(Effect.void)
    })
  })
