import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Option, Redacted, Schema } from "effect"
import type { ContainerEngine } from "./containerEngine.ts"
import { reservePort } from "./freePort.ts"
import { InstanceFailed, type InstanceSpec } from "./Instance.ts"
import { bootId, type InstanceRecords } from "./InstanceRecords.ts"
import { listeningPortsInside } from "./listeningPorts.ts"
import { makePrivate, removePrivate } from "./privateFolder.ts"
import { plainValue } from "./processes.ts"
import { markerName } from "./processTable.ts"
import { cannotLaunch, type Ended, type Launched } from "./supervise.ts"

/** Labels of every container: which data folder's server runs it, and as which instance. */
export const dataDirectoryLabel = "maxcloud.dev/data-directory"
export const instanceLabel = "maxcloud.dev/instance"

export const containerName = (dataDirectoryId: string, id: string) => `maxcloud-${dataDirectoryId}-${id.toLowerCase()}`

export interface ContainersOptions {
  readonly dataDirectoryId: string
  readonly records: InstanceRecords
  /** The server's environment: the engine's client needs it, no container sees it. */
  readonly environment: NodeJS.ProcessEnv
}

const pidsLimit = 4096
/** A connection through a forwarder counts once it has lived this long. */
const forwarderSettleMs = 30

/** Variables that would change what the engine's own client does if it inherited them. */
const clientsOwn =
  /^(PATH|HOME|USER|LOGNAME|SHELL|TMP|TEMP|TMPDIR|LANG|TERM|HOSTNAME|KUBECONFIG|NOTIFY_SOCKET|HTTPS?_PROXY|NO_PROXY|ALL_PROXY|(LC|LD|XDG|CONTAINERS?|DOCKER|PODMAN|BUILDAH|REGISTRY|NETAVARK|AARDVARK|CONMON|_?OCI|STORAGE|DBUS|SSL|GO|GRPC|OTEL|LISTEN|SYSTEMD|INVOCATION|JOURNAL|SSH|CRUN|RUNC|_CONTAINERS)[A-Z_]*)$/i

const Inspected = Schema.parseJson(
  Schema.Struct({
    Status: Schema.String,
    ExitCode: Schema.Int,
    OOMKilled: Schema.optional(Schema.Boolean),
    StartedAt: Schema.optional(Schema.String),
    Error: Schema.optional(Schema.String),
    Pid: Schema.optional(Schema.Int)
  })
)

/** Memory that no disk ever sees where there is such a folder. */
const secretsRoot = (id: string) => join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), `maxcloud-${id}`)

const engineFailure = (output: string, image: string): InstanceFailed => {
  const said = output.trim().split("\n").at(-1)?.slice(0, 500) ?? ""
  if (/executable file|exec format error|exec: "|(exec|stat) \S+: (no such file|permission denied)/i.test(said))
    return new InstanceFailed({
      reason: /exec format error/i.test(said) ? "WrongPlatform" : "CommandNotFound",
      message: `The command cannot be run in ${image}: ${said}`,
      retryable: false
    })
  if (/no command specified|no entrypoint|no command or entrypoint/i.test(said))
    return new InstanceFailed({
      reason: "NothingToRun",
      message: `The image ${image} names no command to run: give a \`command\` in the config.`,
      retryable: false
    })
  return new InstanceFailed({
    reason: "EngineFailed",
    message: `The container of ${image} could not be started: ${said}`,
    retryable: true
  })
}

const limitsRefused = /cgroup|memory limit|cpu.*(limit|quota|cfs)|pids limit|resource limits|oom/i
const portTaken = /address already in use|port is already allocated|bind: /i

/** Launches instances as containers of the engine, attached by its client. */
export const makeContainers = (options: ContainersOptions) => {
  const { dataDirectoryId, records } = options
  const boot = bootId()
  // Found to be refused once, limits are not tried again for every instance.
  let limits = true

  const mountFiles = async (spec: InstanceSpec): Promise<ReadonlyArray<string>> => {
    if (spec.files.size === 0) return []
    const root = secretsRoot(dataDirectoryId)
    const folder = makePrivate(root, spec.id)
    // The folders keep others of this machine out; inside, any user that the image runs as may read.
    const mounts: Array<string> = []
    for (const [target, value] of spec.files) {
      const source = join(folder, String(mounts.length))
      await writeFile(source, Redacted.value(value), { mode: 0o444 })
      mounts.push("--mount", `type=bind,source=${source},"target=${target.replaceAll('"', '""')}",readonly`)
    }
    return [...mounts, "--security-opt", "label=disable"]
  }

  /** Values reach the client by its environment, or by a file where they would change the client itself; never by an argument. */
  const environmentArgs = async (spec: InstanceSpec, port: number) => {
    const args: Array<string> = []
    const inherited: Record<string, string> = {}
    let file = ""
    for (const [name, value] of new Map([...spec.env, ["PORT", String(port)] as const])) {
      const plain = plainValue(value)
      if (!clientsOwn.test(name)) {
        inherited[name] = plain
        args.push("--env", name)
      } else if (plain.includes("\n"))
        throw new InstanceFailed({
          reason: "InvalidEnv",
          message: `The environment variable ${name} cannot hold several lines in a container.`,
          retryable: false
        })
      else file += `${name}=${plain}\n`
    }
    if (file !== "") {
      const folder = makePrivate(secretsRoot(dataDirectoryId), spec.id)
      await writeFile(join(folder, "environment"), file, { mode: 0o600 })
      args.push("--env-file", join(folder, "environment"))
    }
    return { args, inherited }
  }

  const limitArgs = (spec: InstanceSpec) =>
    limits
      ? [
          "--memory",
          `${spec.memoryBytes}b`,
          "--memory-swap",
          `${spec.memoryBytes}b`,
          "--cpus",
          String(spec.cpuMilli / 1000),
          "--pids-limit",
          String(pidsLimit)
        ]
      : []

  const launch = async (
    engine: ContainerEngine,
    spec: InstanceSpec,
    image: { readonly name: string; readonly id: string; readonly port: number },
    runArgs: ReadonlyArray<string>
  ): Promise<Launched> => {
    const name = containerName(dataDirectoryId, spec.id)
    const reserved = await reservePort()
    const tried = limits
    try {
      records.write({ id: spec.id, kind: "container", boot, graceMs: spec.graceMs })
      const [files, environment] = await Promise.all([mountFiles(spec), environmentArgs(spec, image.port)])
      const [entrypoint, ...first] = spec.command ?? []
      const args = [
        "run",
        "--name",
        name,
        "--pull=never",
        "--log-driver=none",
        "--sig-proxy=false",
        ...(engine.name === "podman" ? ["--http-proxy=false"] : []),
        ...["--label", `${dataDirectoryLabel}=${dataDirectoryId}`, "--label", `${instanceLabel}=${spec.id}`],
        ...["--publish", `127.0.0.1:${reserved.port}:${image.port}`],
        ...["--cap-drop=NET_RAW", "--cap-drop=MKNOD", "--security-opt=no-new-privileges"],
        ...limitArgs(spec),
        ...environment.args,
        ...files,
        ...runArgs,
        ...(entrypoint === undefined ? [] : ["--entrypoint", entrypoint]),
        image.id,
        ...first,
        ...(spec.args ?? [])
      ]
      const child = spawn(engine.name, args, {
        // Podman's monitor leaves notes (`oom`) in the folder where it was started.
        cwd: records.folder,
        // Marked as well, so that a client that its server left in the middle of its work is ended and makes nothing more.
        env: { ...options.environment, ...environment.inherited, [markerName]: `${dataDirectoryId}/${spec.id}` },
        // In its own group, so that Ctrl-C in the server's terminal does not reach it before the server has drained.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"]
      })
      let ending = ""
      child.stdout.on("data", (chunk: Buffer) => spec.onOutput("stdout", chunk))
      child.stderr.on("data", (chunk: Buffer) => {
        ending = (ending + chunk.subarray(-4_096).toString("utf8")).slice(-4_096)
        spec.onOutput("stderr", chunk)
      })
      const closed = new Promise<{ code: number | null; error?: Error }>((resolve) => {
        child.once("error", (error) => resolve({ code: null, error }))
        child.once("close", (code) => resolve({ code }))
      })

      let isGone = false
      const ended = closed.then(async ({ code, error }): Promise<Ended> => {
        const state = await inspect(engine, name)
        await engine.run(["rm", "--force", "--volumes", name])
        reserved.release()
        isGone = true
        const ran = state !== undefined && state.Status !== "created" && state.Status !== "initialized"
        if (error || (!ran && code !== 0 && !stopping)) {
          const output = error?.message ?? `${ending}\n${state?.Error ?? ""}`.trim()
          if (tried && limitsRefused.test(output) && !/OOMKilled/.test(output)) {
            if (limits)
              spec.onSystem?.("The container engine cannot limit memory and CPU here: it runs without limits.")
            limits = false
            return { code, signal: null, outOfMemory: false, again: true, failure: engineFailure(output, image.name) }
          }
          return {
            code,
            signal: null,
            outOfMemory: false,
            again: portTaken.test(output),
            failure: engineFailure(output, image.name)
          }
        }
        const exitCode = state?.ExitCode ?? code
        const killed = exitCode === 137
        return {
          code: killed ? null : exitCode,
          signal: killed ? "SIGKILL" : null,
          // The engine's own flag comes by an event that it can miss (conmon on cgroup v1). Whom nobody told to end, and who was
          // killed under a limit, was killed by that limit.
          outOfMemory: state?.OOMKilled === true || (killed && tried && stopping === undefined)
        }
      })

      let stopping: Promise<void> | undefined
      const stop = (graceMs: number): Promise<void> => {
        stopping ??= (async () => {
          const seconds = String(Math.ceil(graceMs / 1000))
          // Until the client is gone: what it had not made yet when it was asked could still be started.
          for (let gone = isGone; !gone; ) {
            const stopped = await engine.run(["stop", "--time", seconds, name])
            if (stopped.code !== 0) child.kill("SIGTERM")
            gone = await Promise.race([
              ended.then(() => true),
              new Promise<false>((resolve) => setTimeout(resolve, stopped.code === 0 ? 2_000 : 200, false))
            ])
          }
          removePrivate(secretsRoot(dataDirectoryId), spec.id)
        })()
        return stopping
      }

      return {
        hosts: ["127.0.0.1"],
        port: reserved.port,
        settleMs: engine.forwards ? forwarderSettleMs : 0,
        ended,
        stop,
        explain: () => explain(engine, name, image.port)
      }
    } catch (cause) {
      reserved.release()
      records.remove(spec.id)
      removePrivate(secretsRoot(dataDirectoryId), spec.id)
      throw cause instanceof InstanceFailed ? cause : cannotLaunch(cause)
    }
  }

  const forget = async (id: string): Promise<void> => {
    removePrivate(secretsRoot(dataDirectoryId), id)
    records.remove(id)
  }

  /**
   * Removes the containers that an earlier run of the server left, known by the label; returns how many. After the processes:
   * a client of the engine that still runs would make one more.
   */
  const clean = async (engine: () => Promise<ContainerEngine | undefined>): Promise<number> => {
    await rm(secretsRoot(dataDirectoryId), { recursive: true, force: true })
    const left = records.all().filter((record) => record.kind === "container")
    if (left.length === 0) return 0
    const found = await engine()
    // Without an engine now, the records stay for the day it is there again.
    if (found === undefined) return 0
    const list = await found.run([
      "ps",
      "--all",
      "--quiet",
      "--filter",
      `label=${dataDirectoryLabel}=${dataDirectoryId}`
    ])
    const ids = list.stdout.split("\n").filter((id) => id !== "")
    if (ids.length > 0) {
      await found.run(["stop", "--time", "2", ...ids])
      await found.run(["rm", "--force", "--volumes", ...ids])
    }
    if (list.code === 0) for (const record of left) records.remove(record.id)
    return ids.length
  }

  return { launch, forget, clean }
}

/** Why nobody accepts connections on the port that is published. */
const explain = async (engine: ContainerEngine, name: string, port: number): Promise<InstanceFailed | undefined> => {
  // The network of a container in a virtual machine or user namespace is not to be seen from here.
  const pid = engine.separateNetwork ? undefined : (await inspect(engine, name))?.Pid
  if (pid === undefined || pid === 0) return undefined
  const { loopbackOnly, reachable } = await listeningPortsInside(pid)
  const wrong = (message: string) => new InstanceFailed({ reason: "WrongPort", message, retryable: false })
  if (reachable.includes(port)) return undefined
  if (loopbackOnly.includes(port))
    return wrong(`It listens on port ${port} of 127.0.0.1 only: inside a container it has to listen on 0.0.0.0.`)
  if (reachable.length === 0) return undefined
  const one = reachable.length === 1 ? `: say \`port\` ${reachable[0]}, or let it listen on PORT` : ""
  return wrong(`It listens on port ${reachable.join(", ")}, but port ${port} is expected${one}.`)
}

const inspect = async (engine: ContainerEngine, name: string) => {
  const result = await engine.run(["container", "inspect", "--format", "{{json .State}}", name])
  return result.code === 0 ? Option.getOrUndefined(Schema.decodeUnknownOption(Inspected)(result.stdout)) : undefined
}
