import { spawn } from "node:child_process"
import { win32 } from "node:path"
import { Effect } from "effect"

/** A program with its arguments. */
type Opener = readonly [program: string, ...args: ReadonlyArray<string>]

/**
 * The program that opens a web page on this system; undefined if `url` isn't http or https. The URL comes from a server, so it must not pass
 * through a shell (`cmd /c start` treats `&` as the start of another command). A normalized URL starts with its scheme, so never with a dash.
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

/** Starts the system's browser. A missing browser isn't a failure, because the URL is printed too. */
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
