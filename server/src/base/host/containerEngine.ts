import { spawn } from "node:child_process"
import { parse } from "node:path"
import { Option, Schema } from "effect"
import { hostEnvironment } from "./hostEnvironment.ts"
import { startProgram } from "./startProgram.ts"
import { faultText, type SystemFault, systemFaultOf } from "./systemFault.ts"

/** The output and exit of an engine's command. `code` is null if a signal killed it. */
export interface EngineResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** How to run one command of an engine. */
export interface EngineRun {
  /**
   * Stops the command: by SIGTERM, so that it can clean up, and by SIGKILL after a few seconds. Rejects with the
   * signal's reason.
   */
  readonly signal?: AbortSignal
  /** Receives stderr as it arrives. */
  readonly onStderr?: (text: string) => void
}

/** A container engine that answers on this machine. */
export interface ContainerEngine {
  readonly name: "podman" | "docker"
  /** The architecture of its machine in Go's terms (`amd64`, `arm64`). */
  readonly architecture: string
  /** Does a program forward a container's published ports? It accepts connections before the container does. */
  readonly forwards: boolean
  /** Does it run in a virtual machine or user namespace, so that its bridge isn't this machine's? */
  readonly separateNetwork: boolean
  readonly run: (args: ReadonlyArray<string>, options?: EngineRun) => Promise<EngineResult>
}

const outputLimit = 1024 * 1024

/** The cleanup of a canceled command. */
const endGraceMs = 3_000

/**
 * Runs a command of the engine with the part of the server's environment that an engine may see, in a folder that nobody
 * else writes to.
 */
const runEngine = async (
  file: string,
  args: ReadonlyArray<string>,
  environment: NodeJS.ProcessEnv,
  { onStderr, signal }: EngineRun = {}
): Promise<EngineResult> => {
  signal?.throwIfAborted()
  const child = await startProgram(
    () =>
      spawn(file, [...args], {
        cwd: parse(process.execPath).root,
        env: hostEnvironment("engine", environment),
        stdio: ["ignore", "pipe", "pipe"]
      }),
    { signal }
  )
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) child.kill("SIGTERM")
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      if (stdout.length < outputLimit) stdout += chunk
    })
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      if (stderr.length < outputLimit) stderr += chunk
      onStderr?.(chunk)
    })
    let killTimer: NodeJS.Timeout | undefined
    const end = () => {
      child.kill("SIGTERM")
      killTimer = setTimeout(() => child.kill("SIGKILL"), endGraceMs)
      reject(signal?.reason)
    }
    signal?.addEventListener("abort", end, { once: true })
    const over = () => {
      clearTimeout(killTimer)
      signal?.removeEventListener("abort", end)
    }
    child.once("error", (error) => {
      over()
      reject(error)
    })
    child.once("close", (code) => {
      over()
      resolve({ code, stdout, stderr })
    })
  })
}

const PodmanInfo = Schema.parseJson(
  Schema.Struct({
    host: Schema.Struct({
      arch: Schema.String,
      serviceIsRemote: Schema.optional(Schema.Boolean),
      security: Schema.Struct({ rootless: Schema.Boolean })
    })
  })
)
const DockerInfo = Schema.parseJson(
  Schema.Struct({
    Architecture: Schema.String,
    OperatingSystem: Schema.optional(Schema.String),
    SecurityOptions: Schema.optional(Schema.NullOr(Schema.Array(Schema.String)))
  })
)

const goArchitecture = (name: string) => ({ x86_64: "amd64", aarch64: "arm64" })[name] ?? name

const lastLine = (text: string) => text.trim().split("\n").at(-1) ?? ""

type Detected =
  | { readonly engine: ContainerEngine }
  /** `fault`: the engine may exist, but the machine can't start programs right now. */
  | { readonly missing: string; readonly fault?: boolean }

const detectOne = async (
  name: "podman" | "docker",
  environment: NodeJS.ProcessEnv
): Promise<ContainerEngine | SystemFault | string | undefined> => {
  const run: ContainerEngine["run"] = (args, options) => runEngine(name, args, environment, options)
  const info = await run(["info", "--format", "{{json .}}"]).catch((cause: unknown) => systemFaultOf(cause))
  if (info === undefined) return undefined
  if ("kind" in info) return info
  const complaint = lastLine(info.stderr) || `\`${name} info\` exited with code ${info.code}`
  if (info.code !== 0) return complaint
  if (name === "podman") {
    const decoded = Schema.decodeUnknownOption(PodmanInfo)(info.stdout)
    if (Option.isNone(decoded)) return complaint
    const { arch, security, serviceIsRemote = false } = decoded.value.host
    const separate = security.rootless || serviceIsRemote
    return { name, architecture: arch, forwards: separate, separateNetwork: separate, run }
  }
  const decoded = Schema.decodeUnknownOption(DockerInfo)(info.stdout)
  // Docker's client answers `info` even without its daemon, with an empty architecture.
  if (Option.isNone(decoded) || decoded.value.Architecture === "") return complaint
  const { Architecture, OperatingSystem = "", SecurityOptions } = decoded.value
  const rootless = SecurityOptions?.some((option) => option.includes("rootless")) ?? false
  const desktop = OperatingSystem.includes("Docker Desktop") || process.platform !== "linux"
  return {
    name,
    architecture: goArchitecture(Architecture),
    forwards: true,
    separateNetwork: rootless || desktop,
    run
  }
}

const installHint =
  process.platform === "darwin"
    ? "Install podman (brew install podman && podman machine init && podman machine start) or Docker Desktop."
    : "Install podman (Debian, Ubuntu: apt-get install podman; Fedora: dnf install podman) or docker."

/** This machine's engine, podman before docker, or a sentence that says what to install or start. */
export const detectContainerEngine = async (environment: NodeJS.ProcessEnv): Promise<Detected> => {
  const complaints: Array<string> = []
  for (const name of ["podman", "docker"] as const) {
    const found = await detectOne(name, environment)
    if (typeof found === "object" && "kind" in found) return { missing: faultText(found), fault: true }
    if (typeof found === "object") return { engine: found }
    if (found !== undefined) complaints.push(`${name} is installed but doesn't work: ${found}`)
  }
  const why = complaints.length === 0 ? "neither is installed" : complaints.join("; ")
  return { missing: `Running images needs podman or docker, and ${why}. ${installHint}` }
}

/** How long to assume that a missing engine is still missing. */
const missingForMs = 5_000

/** Looks for the engine when it's first needed. Remembers a found engine; looks again for a missing one. */
export const makeEngineFinder = (environment: NodeJS.ProcessEnv) => {
  let asked: { readonly at: number; readonly answer: ReturnType<typeof detectContainerEngine> } | undefined
  return async () => {
    if (asked !== undefined && "missing" in (await asked.answer) && performance.now() - asked.at > missingForMs)
      asked = undefined
    asked ??= { at: performance.now(), answer: detectContainerEngine(environment) }
    return asked.answer
  }
}
