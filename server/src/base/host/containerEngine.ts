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

/** How one command of an engine is run. */
export interface EngineRun {
  /** Ends the command: by SIGTERM, so that it can clean up, and by SIGKILL after a few seconds. Rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Receives stderr as it arrives. */
  readonly onStderr?: (text: string) => void
}

/** A container engine that answers on this machine. */
export interface ContainerEngine {
  readonly name: "podman" | "docker"
  /** The architecture of its machine in Go's words (`amd64`, `arm64`). */
  readonly architecture: string
  /** Are a container's published ports forwarded by a program, that accepts connections before the container does? */
  readonly forwards: boolean
  /** Does it run in a virtual machine or user namespace, so that its bridge is not this machine's? */
  readonly separateNetwork: boolean
  readonly run: (args: ReadonlyArray<string>, options?: EngineRun) => Promise<EngineResult>
}

const outputLimit = 1024 * 1024

/** The cleanup of a canceled command. */
const endGraceMs = 3_000

/** Runs a command of the engine with what an engine may see of the server's environment, in no folder that anybody else writes to. */
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
  /** `fault`: it may be there, but the machine starts no program at present. */
  | { readonly missing: string; readonly fault?: boolean }

const detectOne = async (
  name: "podman" | "docker",
  environment: NodeJS.ProcessEnv
): Promise<ContainerEngine | SystemFault | string | undefined> => {
  const run: ContainerEngine["run"] = (args, options) => runEngine(name, args, environment, options)
  const info = await run(["info", "--format", "{{json .}}"]).catch((cause: unknown) => systemFaultOf(cause))
  if (info === undefined) return undefined
  if ("kind" in info) return info
  const complaint = lastLine(info.stderr) || `\`${name} info\` ended with exit code ${info.code}`
  if (info.code !== 0) return complaint
  if (name === "podman") {
    const decoded = Schema.decodeUnknownOption(PodmanInfo)(info.stdout)
    if (Option.isNone(decoded)) return complaint
    const { arch, security, serviceIsRemote = false } = decoded.value.host
    const separate = security.rootless || serviceIsRemote
    return { name, architecture: arch, forwards: separate, separateNetwork: separate, run }
  }
  const decoded = Schema.decodeUnknownOption(DockerInfo)(info.stdout)
  // Docker's client answers `info` also without its daemon, then with an empty architecture.
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

/** The engine of this machine, podman before docker, or the sentence that says what to install or start. */
export const detectContainerEngine = async (environment: NodeJS.ProcessEnv): Promise<Detected> => {
  const complaints: Array<string> = []
  for (const name of ["podman", "docker"] as const) {
    const found = await detectOne(name, environment)
    if (typeof found === "object" && "kind" in found) return { missing: faultText(found), fault: true }
    if (typeof found === "object") return { engine: found }
    if (found !== undefined) complaints.push(`${name} is installed but does not work: ${found}`)
  }
  const why = complaints.length === 0 ? "neither is installed here" : complaints.join("; ")
  return { missing: `Images are run by podman or docker, and ${why}. ${installHint}` }
}

/** How long an engine that was not there is taken to be still away. */
const missingForMs = 5_000

/** Looks for the engine when it is first needed. A found engine is remembered; a missing one is looked for again. */
export const makeEngineFinder = (environment: NodeJS.ProcessEnv) => {
  let asked: { readonly at: number; readonly answer: ReturnType<typeof detectContainerEngine> } | undefined
  return async () => {
    if (asked !== undefined && "missing" in (await asked.answer) && performance.now() - asked.at > missingForMs)
      asked = undefined
    asked ??= { at: performance.now(), answer: detectContainerEngine(environment) }
    return asked.answer
  }
}
