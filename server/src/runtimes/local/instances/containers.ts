import { spawn } from "node:child_process"
import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { Option, Redacted, Schema } from "effect"
import type { ContainerEngine } from "../../../base/host/containerEngine.ts"
import { hostEnvironment } from "../../../base/host/hostEnvironment.ts"
import { listeningPortsInside } from "../../../base/host/listeningPorts.ts"
import { ownUlimits } from "../../../base/host/ownUlimits.ts"
import { markerName } from "../../../base/host/processTable.ts"
import { startProgram } from "../../../base/host/startProgram.ts"
import { unusedSettings } from "../../../stores/images/imageSettings.ts"
import { toolPorts } from "../../../stores/images/portOfExposed.ts"
import { Remembered } from "../../../stores/images/Remembered.ts"
import { loopbackOnly, noneSpeaksHttp, portsSeen, wrongPort } from "../../diagnosis/listening.ts"
import type { ExecRequest } from "../../port/Runtime.ts"
import { ContainerState, containerEnd, neverRan } from "./containerEnd.ts"
import { engineFailure } from "./engineFailure.ts"
import { makeExecs } from "./execs.ts"
import { reservePort } from "./freePort.ts"
import { InstanceFailed, type InstanceSpec } from "./Instance.ts"
import { bootId, type InstanceRecords } from "./InstanceRecords.ts"
import type { ImageConfig } from "./imageConfig.ts"
import { cannotLaunch, type Ended, type Launched } from "./Launched.ts"
import { dataDirectoryLabel, instanceLabel } from "./labels.ts"
import type { NamespaceNetworks } from "./namespaceNetworks.ts"
import { makePrivate, removePrivate } from "./privateFolder.ts"
import { isInit, wantsToBeFirst } from "./starter/ownInit.ts"
import {
  installStarter,
  secretsRoot,
  starterFailure,
  starterPath,
  startFile,
  startFilePath
} from "./starter/startFile.ts"
import { plainValue, wordsOf } from "./words.ts"

export const containerName = (dataDirectoryId: string, id: string) => `maxcloud-${dataDirectoryId}-${id.toLowerCase()}`

export interface ContainersOptions {
  readonly dataDirectory: string
  readonly dataDirectoryId: string
  readonly records: InstanceRecords
  /** The server's environment: the engine's client sees what it may of it, and no container any. */
  readonly environment: NodeJS.ProcessEnv
}

/** An image of this machine, found to be runnable. */
export interface RunnableImage extends ImageConfig {
  readonly name: string
  readonly id: string
}

const pidsLimit = 4096
/** Of so many images something is remembered. */
const mostImages = 5_000
/** A connection through a forwarder counts once it has lived this long. */
const forwarderSettleMs = 30

const Inspected = Schema.parseJson(ContainerState)

/** What the container runs: `command` and `args` in place of the image's entrypoint and command, by Kubernetes' rules. */
const programWords = (spec: InstanceSpec, image: RunnableImage): ReadonlyArray<string> => {
  const { args = [], command = [] } = wordsOf(spec, image.ports[0])
  const first = command.length > 0 ? command : image.entrypoint
  const words = [...first, ...(args.length > 0 || command.length > 0 ? args : image.cmd)]
  if (words.length === 0)
    throw new InstanceFailed({
      reason: "NothingToRun",
      message: `Image ${image.name} names no command to run. Set \`command\` in the config.`,
      retryable: false
    })
  return words
}

/** Fields of the option are read as CSV. */
const field = (name: string, value: string) => `"${name}=${value.replaceAll('"', '""')}"`

const mountOption = (engine: ContainerEngine, source: string, target: string): string => {
  if (/\p{Cc}/u.test(target))
    throw new InstanceFailed({
      reason: "CannotStart",
      message: `The path ${JSON.stringify(target)} of a file holds a control character. Remove it.`,
      retryable: false
    })
  const parts = ["type=bind", field("source", source), field("target", target), "readonly"]
  // For systems with SELinux. Docker's option has no such field.
  return [...parts, ...(engine.name === "podman" ? ["relabel=shared"] : [])].join(",")
}

const limitsRefused = /cgroup|memory limit|cpu.*(limit|quota|cfs)|pids limit|resource limits|oom/i
const portTaken = /address already in use|port is already allocated|bind: /i

/** Launches instances as containers of the engine, attached by its client. */
export const makeContainers = (options: ContainersOptions) => {
  const { dataDirectoryId, records } = options
  const boot = bootId()
  // Found to be refused once, limits are not tried again for every instance.
  let limits = true
  const ulimits = ownUlimits()
  // Images whose program wants to be the first process of its container, as they have said.
  const ownInits = new Remembered<true>(mostImages)
  // The port that answered HTTP, of several that an image exposes: looked for there first the next time.
  const chosen = new Remembered<number>(mostImages)
  const likeliestFirst = ({ id, ports }: RunnableImage): ReadonlyArray<number> => {
    const known = chosen.get(id)
    return known !== undefined && ports.includes(known) ? [known, ...ports.filter((port) => port !== known)] : ports
  }

  /**
   * Mounts the starter, the file that it reads (words and variables), and the service's own files. The engine gets to know where
   * they are, and never what they hold: it would keep that in its database, on disk, for as long as the container is known.
   */
  const mountArgs = async (
    engine: ContainerEngine,
    spec: InstanceSpec,
    image: RunnableImage,
    words: ReadonlyArray<string>,
    hasInit: boolean
  ) => {
    const starter = await installStarter(options.dataDirectory, engine.architecture)
    const variables = new Map(
      [...spec.env, ["PORT", String(image.ports[0])] as const].map(([name, value]) => [name, plainValue(value)])
    )
    const start = startFile(words, variables, hasInit)
    // The folders keep others of this machine out; inside, any user that the image runs as may read.
    const folder = makePrivate(secretsRoot(dataDirectoryId), spec.id)
    const mounts: Array<string> = []
    const mount = (source: string, target: string) => mounts.push("--mount", mountOption(engine, source, target))
    const write = async (name: string, content: string | Buffer, target: string) => {
      await writeFile(join(folder, name), content, { mode: 0o444 })
      mount(join(folder, name), target)
    }
    mount(starter, starterPath)
    await write("start", start, startFilePath)
    let count = 0
    for (const [target, value] of spec.files) await write(String(count++), Redacted.value(value), target)
    return engine.name === "podman" ? mounts : [...mounts, "--security-opt", "label=disable"]
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
    image: RunnableImage,
    runArgs: ReadonlyArray<string>
  ): Promise<Launched> => {
    const name = containerName(dataDirectoryId, spec.id)
    const ports = likeliestFirst(image)
    const reserved = await Promise.all(ports.map(() => reservePort()))
    const published = ports.map((declaredPort, index) => ({ declaredPort, port: reserved[index]?.port ?? 0 }))
    const [main = { declaredPort: image.ports[0], port: 0 }, ...otherPorts] = published
    const release = () => {
      for (const one of reserved) one.release()
    }
    const tried = limits
    try {
      records.write({ id: spec.id, kind: "container", boot, graceMs: spec.graceMs })
      const words = programWords(spec, image)
      const hasInit = !isInit(words) && ownInits.get(image.id) === undefined
      const mounts = await mountArgs(engine, spec, image, words, hasInit)
      const args = [
        "run",
        "--name",
        name,
        "--pull=never",
        "--log-driver=none",
        "--sig-proxy=false",
        // Kubernetes knows no HEALTHCHECK of an image either: `caution` says so.
        "--no-healthcheck",
        ...(engine.name === "podman" ? ["--http-proxy=false"] : []),
        ...["--label", `${dataDirectoryLabel}=${dataDirectoryId}`, "--label", `${instanceLabel}=${spec.id}`],
        ...published.flatMap(({ declaredPort, port }) => ["--publish", `127.0.0.1:${port}:${declaredPort}`]),
        // As docker's default: a user of the image other than root may listen on port 80.
        ...(engine.name === "podman" ? ["--sysctl", "net.ipv4.ip_unprivileged_port_start=0"] : []),
        ...["--cap-drop=NET_RAW", "--cap-drop=MKNOD", "--security-opt=no-new-privileges"],
        ...limitArgs(spec),
        // Not those of another machine or user namespace, which are the engine's own matter.
        ...(engine.name === "podman" && !engine.separateNetwork ? ulimits : []),
        ...mounts,
        ...runArgs,
        ...["--entrypoint", starterPath],
        image.id
      ]
      const child = await startProgram(() =>
        spawn(engine.name, args, {
          // Podman's monitor leaves notes (`oom`) in the folder where it was started.
          cwd: records.folder,
          // Marked as well, so that a client that its server left in the middle of its work is ended and makes nothing more.
          env: { ...hostEnvironment("engine", options.environment), [markerName]: `${dataDirectoryId}/${spec.id}` },
          // In its own group, so that Ctrl-C in the server's terminal does not reach it before the server has drained.
          detached: true,
          stdio: ["ignore", "pipe", "pipe"]
        })
      )
      let ending = ""
      let output = ""
      const keep = (chunk: Buffer) => {
        output = (output + chunk.subarray(-4_096).toString("latin1")).slice(-4_096)
      }
      child.stdout.on("data", (chunk: Buffer) => {
        keep(chunk)
        spec.onOutput("stdout", chunk)
      })
      child.stderr.on("data", (chunk: Buffer) => {
        ending = (ending + chunk.subarray(-4_096).toString("utf8")).slice(-4_096)
        keep(chunk)
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
        release()
        isGone = true
        const asked = stopping !== undefined
        if (error || neverRan({ asked, code, state })) {
          const output = error?.message ?? `${ending}\n${state?.Error ?? ""}`.trim()
          const refused = tried && limitsRefused.test(output) && !/OOMKilled/.test(output)
          if (refused && limits) {
            spec.onSystem?.("The container engine cannot limit memory and CPU here: it runs without limits.")
            limits = false
          }
          return {
            code,
            signal: null,
            outOfMemory: false,
            again: refused || portTaken.test(output),
            failure: engineFailure(engine, output, image.name)
          }
        }
        const exitCode = state?.ExitCode ?? code
        const failure = starterFailure(exitCode, ending, image.name)
        if (failure !== undefined) return { code: exitCode, signal: null, outOfMemory: false, failure }
        const again = hasInit && !asked && exitCode !== 0 && wantsToBeFirst(output)
        if (again) ownInits.set(image.id, true)
        const seen = { engine: engine.name, code, state, errorOutput: ending, asked, hasInit, limited: tried }
        return { ...containerEnd(seen), output, again }
      })

      const execs = makeExecs(dataDirectoryId)
      let stopping: Promise<void> | undefined
      const stop = (graceMs: number): Promise<void> => {
        stopping ??= (async () => {
          await execs.endAll()
          const seconds = String(Math.ceil(graceMs / 1000))
          // Until the client is gone: what it had not made yet when it was asked could still be started.
          for (let gone = isGone; !gone; ) {
            const stopped = await engine.run(["stop", "--time", seconds, name])
            if (stopped.code !== 0) {
              child.kill("SIGTERM")
              // One that somebody has paused can't be stopped.
              await engine.run(["unpause", name])
            }
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
        ...main,
        otherPorts,
        onChosen: (port) => chosen.set(image.id, port),
        of: "image",
        settleMs: engine.forwards ? forwarderSettleMs : 0,
        ended: ended.finally(execs.endAll),
        stop,
        exec: (request) =>
          execs.start(request, (marker) => ({
            file: engine.name,
            args: execArgs(name, marker, request),
            options: {
              cwd: records.folder,
              env: { ...hostEnvironment("engine", options.environment), [markerName]: marker }
            }
          })),
        caution: async () => {
          const { liveness, readiness, startup } = spec
          const unused = unusedSettings(
            image.settings,
            [startup, readiness, liveness].some((issue) => issue?.path !== undefined)
          )
          return unused && diagnosisOf("ImageSettingsUnused", unused.message, [], unused.fix)
        },
        explain: () => explain(engine, name, image.ports)
      }
    } catch (cause) {
      release()
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
  const clean = async (
    engine: () => Promise<ContainerEngine | undefined>,
    networks: NamespaceNetworks
  ): Promise<number> => {
    await rm(secretsRoot(dataDirectoryId), { recursive: true, force: true })
    const left = records.all().filter((record) => record.kind === "container")
    if (left.length === 0 && records.damaged() === 0 && !networks.some()) return 0
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
    await networks.clean(found)
    if (list.code === 0) for (const record of left) records.remove(record.id)
    return ids.length
  }

  return { launch, forget, clean }
}

/** The starter gives it the service's variables, which the engine doesn't know. */
const execArgs = (name: string, marker: string, { command, terminal }: ExecRequest): ReadonlyArray<string> => [
  "exec",
  "--interactive",
  ...(terminal === undefined ? [] : ["--tty", "--env", "TERM=xterm-256color"]),
  "--env",
  `${markerName}=${marker}`,
  name,
  starterPath,
  ...command
]

/** Why nobody answers on the ports that are published. */
const explain = async (
  engine: ContainerEngine,
  name: string,
  ports: RunnableImage["ports"]
): Promise<Diagnosis | undefined> => {
  // The network of a container in a virtual machine or user namespace is not to be seen from here.
  const pid = engine.separateNetwork ? undefined : (await inspect(engine, name))?.Pid
  if (pid === undefined || pid === 0) return undefined
  const { loopbackOnly: onLoopback, reachable } = await listeningPortsInside(pid)
  const [port] = ports
  const open = ports.filter((port) => reachable.includes(port))
  if (open.length > 0) return ports.length === 1 ? undefined : noneSpeaksHttp(open)
  const closed = ports.find((port) => onLoopback.includes(port))
  if (closed !== undefined)
    return loopbackOnly(
      closed,
      `port ${closed}: open on 127.0.0.1 inside the container, and closed on its other addresses`
    )
  const other = reachable.find((value) => !toolPorts.includes(value))
  return other === undefined ? undefined : wrongPort(other, port, portsSeen(port, reachable))
}

const inspect = async (engine: ContainerEngine, name: string) => {
  const result = await engine.run(["container", "inspect", "--format", "{{json .State}}", name])
  return result.code === 0 ? Option.getOrUndefined(Schema.decodeUnknownOption(Inspected)(result.stdout)) : undefined
}
