import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"

export type Tool = "podman" | "docker-registry" | "registry" | "skopeo" | "nginx" | "busybox" | "promtool"

// Debian installs servers where a user's PATH may not point.
const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/usr/local/sbin"]

/** CNCF Distribution: `docker-registry` is version 2.8 from Debian, `registry` version 3 from its Go module. */
export type RegistryProgram = "docker-registry" | "registry"

/** The absolute path of a program on this machine. */
export const findTool = (tool: string): string | undefined =>
  folders.map((folder) => join(folder, tool)).find((path) => existsSync(path))

/** Stores podman's state, so that a run of many files starts only one container to find out; empty: it works. */
export const podmanVariable = "MAXCLOUD_TESTS_PODMAN"

/** Why podman can't start a container here, found by starting one like the server; undefined if it works. */
export const probePodman = (environment: NodeJS.ProcessEnv = process.env): string | undefined => {
  const program = join(import.meta.dirname, "podmanProblem.ts")
  const { signal, stderr, stdout } = spawnSync(process.execPath, [program], {
    encoding: "utf8",
    env: environment,
    timeout: 90_000,
    killSignal: "SIGKILL"
  })
  if (signal !== null) return "podman started no container within 90 s"
  try {
    const { problem } = JSON.parse(stdout)
    return problem === undefined ? undefined : String(problem)
  } catch {
    return `the probe of podman exited early: ${stderr.trim().slice(-500)}`
  }
}

/** What is wrong with a tool; undefined if it works. */
const problemOf = (tool: Tool): string | undefined => {
  if (findTool(tool) === undefined) return "is not installed"
  if (tool !== "podman") return undefined
  const told = process.env[podmanVariable] ?? probePodman() ?? ""
  process.env[podmanVariable] = told
  return told === "" ? undefined : `is installed, but can't start a container: ${told}`
}

const known = new Map<Tool, string | undefined>()

/**
 * The tools that are missing or don't work on this machine, each with the reason. Prints the name of what isn't run because of
 * them, so a test says `describe.skipIf(missingTools("images by podman", "podman").length > 0)`.
 */
export const missingTools = (what: string, ...tools: ReadonlyArray<Tool>): ReadonlyArray<string> => {
  const missing = tools.flatMap((tool) => {
    const problem = known.has(tool) ? known.get(tool) : problemOf(tool)
    known.set(tool, problem)
    return problem === undefined ? [] : [`${tool} ${problem}`]
  })
  if (missing.length > 0) console.warn(`Not run here: ${what} (${missing.join("; ")})`)
  return missing
}
