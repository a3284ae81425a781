import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { markerName } from "../../../../base/host/processTable.ts"
import type { ExecRequest } from "../../../port/Runtime.ts"
import type { InstanceSpec } from "../Instance.ts"
import { starterPath } from "../starter/startFile.ts"
import { dataDirectoryLabel, instanceLabel } from "./labels.ts"
import type { PublishedPort } from "./publishedPorts.ts"

const pidsLimit = 4096

const limitArgs = ({ cpuMilli, memoryBytes }: Pick<InstanceSpec, "cpuMilli" | "memoryBytes">) => [
  "--memory",
  `${memoryBytes}b`,
  "--memory-swap",
  `${memoryBytes}b`,
  "--cpus",
  String(cpuMilli / 1000),
  "--pids-limit",
  String(pidsLimit)
]

/** The arguments of the engine's client. */
export const runArgs = (input: {
  readonly engine: Pick<ContainerEngine, "name" | "separateNetwork">
  readonly name: string
  readonly dataDirectoryId: string
  readonly spec: Pick<InstanceSpec, "cpuMilli" | "id" | "memoryBytes">
  readonly image: string
  readonly published: ReadonlyArray<PublishedPort>
  readonly limited: boolean
  readonly ulimits: ReadonlyArray<string>
  readonly mounts: ReadonlyArray<string>
  readonly network: ReadonlyArray<string>
}): ReadonlyArray<string> => {
  const { dataDirectoryId, engine, spec } = input
  const isPodman = engine.name === "podman"
  return [
    "run",
    "--name",
    input.name,
    "--pull=never",
    "--log-driver=none",
    "--sig-proxy=false",
    // Kubernetes ignores an image's HEALTHCHECK too: `caution` says so.
    "--no-healthcheck",
    ...(isPodman ? ["--http-proxy=false"] : []),
    ...["--label", `${dataDirectoryLabel}=${dataDirectoryId}`, "--label", `${instanceLabel}=${spec.id}`],
    ...input.published.flatMap(({ declaredPort, port }) => ["--publish", `127.0.0.1:${port}:${declaredPort}`]),
    // As by docker's default, an image's non-root user may listen on port 80.
    ...(isPodman ? ["--sysctl", "net.ipv4.ip_unprivileged_port_start=0"] : []),
    ...["--cap-drop=NET_RAW", "--cap-drop=MKNOD", "--security-opt=no-new-privileges"],
    ...(input.limited ? limitArgs(spec) : []),
    // Except those of another machine or user namespace, which are the engine's business.
    ...(isPodman && !engine.separateNetwork ? input.ulimits : []),
    ...input.mounts,
    ...input.network,
    ...["--entrypoint", starterPath],
    input.image
  ]
}

/** The starter passes on the service's variables, which the engine doesn't know. */
export const execArgs = (name: string, marker: string, { command, terminal }: ExecRequest): ReadonlyArray<string> => [
  "exec",
  "--interactive",
  ...(terminal === undefined ? [] : ["--tty", "--env", "TERM=xterm-256color"]),
  "--env",
  `${markerName}=${marker}`,
  name,
  starterPath,
  ...command
]
