import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"

export type Tool = "podman" | "docker-registry" | "nginx" | "busybox"

// Debian keeps servers where a user's PATH may not lead.
const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"]

/** The absolute path of a program of this machine. */
export const findTool = (tool: string): string | undefined =>
  folders.map((folder) => join(folder, tool)).find((path) => existsSync(path))

const works = (tool: Tool): boolean => {
  const path = findTool(tool)
  if (path === undefined) return false
  if (tool !== "podman") return true
  try {
    execFileSync(path, ["info"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
}

const known = new Map<Tool, boolean>()

/**
 * Which of these are not on this machine, or do not work there. Prints by name what is not run for it, so a test says
 * `describe.skipIf(missingTools("images by podman", "podman").length > 0)`.
 */
export const missingTools = (what: string, ...tools: ReadonlyArray<Tool>): ReadonlyArray<Tool> => {
  const missing = tools.filter((tool) => {
    const found = known.get(tool) ?? works(tool)
    known.set(tool, found)
    return !found
  })
  if (missing.length > 0) console.warn(`Not run here: ${what} (missing: ${missing.join(", ")})`)
  return missing
}
