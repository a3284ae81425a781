import { spawn } from "node:child_process"
import { readFile, writeFile } from "node:fs/promises"
import { join, parse } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { BuildFailed } from "@maxcloud/builder"
import { Option, Schema } from "effect"
import type { ContainerEngine } from "../../base/host/containerEngine.ts"
import { endProcesses } from "../../base/host/endProcesses.ts"
import { hostEnvironment } from "../../base/host/hostEnvironment.ts"
import { ownUlimits } from "../../base/host/ownUlimits.ts"
import { mayHoldPassword, proxyName } from "../../base/host/proxyNames.ts"
import { startProgram } from "../../base/host/startProgram.ts"
import { hostRights } from "./dockerfileRights.ts"
import { followBuildProgram, notStarted } from "./followBuildProgram.ts"
import { withDockerHub } from "./registriesConf.ts"

export interface ImageRequest {
  /** The folder that the Dockerfile builds from, absolute. */
  readonly context: string
  readonly dockerfile: string
  /** The host's own folder, for files the build also needs. */
  readonly box: string
  /** The file that records the built image. The image is kept as long as the file exists. */
  readonly place: string
  /** Without the cache of earlier builds. */
  readonly fresh: boolean
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
}

/** How long a build may take to exit by itself after its running step was stopped. */
const ownEndMs = 5_000

const PodmanRegistries = Schema.parseJson(Schema.Struct({ search: Schema.optional(Schema.Array(Schema.String)) }))

/** Can podman resolve `FROM node:24`? Debian's comes without any registry. */
const findsShortNames = async (engine: ContainerEngine): Promise<boolean> => {
  const { stdout } = await engine.run(["info", "--format", "{{json .Registries}}"])
  const registries = Schema.decodeUnknownOption(PodmanRegistries)(stdout)
  return Option.isNone(registries) || (registries.value.search ?? []).length > 0
}

/**
 * Podman passes its own proxy to the steps of a build. Prevent that if it contains a password, which is the operator's.
 */
const httpProxyFlag = (environment: NodeJS.ProcessEnv) =>
  `--http-proxy=${!Object.entries(environment).some(([name, value = ""]) => proxyName.test(name) && mayHoldPassword(value))}`

const argsOf = async (
  engine: ContainerEngine,
  { box, context, dockerfile, fresh }: ImageRequest,
  name: string,
  environment: NodeJS.ProcessEnv
) => {
  const isOwnPodman = engine.name === "podman" && !engine.separateNetwork
  const registries =
    engine.name === "podman" && !(await findsShortNames(engine)) ? await withDockerHub(environment) : ""
  if (registries !== "") await writeFile(join(box, "registries.conf"), registries, { mode: 0o600 })
  return {
    args: [
      "build",
      ...["--file", join(context, dockerfile), "--tag", name, "--iidfile", join(box, "image-id")],
      ...(fresh ? ["--no-cache"] : []),
      // Docker's format keeps SHELL and ONBUILD. No container remains of a failing step.
      ...(engine.name === "podman"
        ? ["--format=docker", "--force-rm", "--layers", "--cap-drop=NET_RAW,MKNOD", httpProxyFlag(environment)]
        : []),
      ...(isOwnPodman ? ownUlimits() : []),
      context
    ],
    env: {
      ...hostEnvironment("engine", environment),
      ...(registries === "" ? {} : { CONTAINERS_REGISTRIES_CONF: join(box, "registries.conf") })
    }
  }
}

/** Refuses a Dockerfile that gives its steps rights on this machine. */
export const refuseHostRights = async ({ context, dockerfile }: ImageRequest): Promise<void> => {
  const refused = hostRights(await readFile(join(context, dockerfile), "utf8"))
  if (refused !== undefined)
    throw new BuildFailed({
      reason: "invalid",
      message: `${dockerfile}:${refused.line}: \`${refused.flag}\` gives a build step this machine's own rights. Remove it.`
    })
}

/** Builds the image under this name, and returns its id. */
export const buildImage = async (
  engine: ContainerEngine,
  request: ImageRequest,
  name: string,
  environment: NodeJS.ProcessEnv
): Promise<string> => {
  const { box, dockerfile, onLine, signal } = request
  const label = `${engine.name} build --file ${dockerfile}`
  onLine(`$ ${label}`)
  const { args, env } = await argsOf(engine, request, name, environment)
  signal.throwIfAborted()
  const install = "Install it on this machine."
  const child = await startProgram(
    () =>
      spawn(engine.name, args, {
        cwd: parse(process.execPath).root,
        env,
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      }),
    { signal }
  ).catch((cause) => {
    signal.throwIfAborted()
    throw notStarted(label, install, cause)
  })
  const closed = new Promise((done) => child.once("close", done))
  await followBuildProgram(child, {
    signal,
    onLine,
    label,
    install,
    // A step's container outlives a killed client. Stop the step first; then the client cleans up and exits by itself.
    end: async () => {
      const steps = await endProcesses((entry) => entry.parent === child.pid, 0)
      if (steps > 0) await Promise.race([closed, sleep(ownEndMs, undefined, { ref: false })])
      await endProcesses((entry) => entry.pid === child.pid, ownEndMs, closed)
    }
  })
  const [id] = /sha256:[0-9a-f]{64}/.exec(await readFile(join(box, "image-id"), "utf8")) ?? []
  if (id === undefined) throw new Error(`\`${label}\` doesn't say which image it has built.`)
  return id
}
