import { spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { rm } from "node:fs/promises"
import { delimiter, dirname, join } from "node:path"
import { BuildFailed, type Program, programOf, programOfStart, type Start } from "@maxcloud/builder"
import { Redacted } from "effect"
import { endOnAbort } from "../../../base/host/endOnAbort.ts"
import { endProcesses } from "../../../base/host/endProcesses.ts"
import { listeningPorts, listensOnLoopbackOnly } from "../../../base/host/listeningPorts.ts"
import { nodeFolder } from "../../../base/host/nodeFolder.ts"
import {
  markerName,
  type ProcessEntry,
  processTable,
  startTimeOf,
  withDescendants
} from "../../../base/host/processTable.ts"
import { removeTree } from "../../../base/host/removeTree.ts"
import { closedTo, endAllOf, type SourceUsers } from "../../../base/host/sourceUser.ts"
import { startProgram } from "../../../base/host/startProgram.ts"
import { toolPorts } from "../../../stores/images/portOfExposed.ts"
import { fixOfSource, loopbackOnly, portsSeen, wrongPort } from "../../diagnosis/listening.ts"
import type { ExecRequest } from "../../port/Runtime.ts"
import { makeExecs } from "./execs.ts"
import { isFree, reservePort } from "./freePort.ts"
import { makeHomes } from "./homes.ts"
import { InstanceFailed, type InstanceSpec } from "./Instance.ts"
import { bootId, type InstanceRecords } from "./InstanceRecords.ts"
import { cannotLaunch, type Ended, type Launched } from "./Launched.ts"
import { wordsOf } from "./words.ts"

/** How long output is waited for after the end: a process that left the group may hold the pipe open. */
const drainMs = 1_000
/** How much of the start's error output is searched for a reason. */
const searchedBytes = 64 * 1024

const fixOfDevScript =
  "Write the port into the `dev` script, as in `--port $PORT`, or use `maxcloud dev --no-dev-script`."

/** A folder that runs: how it is started, and what it needs for it. */
export interface ProgramPlace {
  readonly folder: string
  /** @default found in the folder as it is */
  readonly start?: Start | undefined
  /** Of the `dev` script of a folder that runs in place: what is added so that its tool listens on the port; `{port}` stands for it. */
  readonly portArguments?: ReadonlyArray<string>
  /** Folders that come first on the PATH. @default its packages' programs */
  readonly path?: ReadonlyArray<string>
  /** Environment variables, unless the config says others. */
  readonly environment?: Readonly<Record<string, string>>
  /** Of the developer who runs it: the folders of the PATH, and HOME. */
  readonly shell?: { readonly path: ReadonlyArray<string>; readonly home: string | undefined }
}

export interface ProcessesOptions {
  readonly dataDirectory: string
  readonly dataDirectoryId: string
  readonly records: InstanceRecords
  /** As root: whom processes run as. */
  readonly users?: SourceUsers | undefined
}

export const plainValue = (value: string | Redacted.Redacted): string =>
  Redacted.isRedacted(value) ? Redacted.value(value) : value

const noProgram = (file: string) =>
  new InstanceFailed({
    reason: "CommandNotFound",
    message: `Command not found: ${file}. The server looks in the folder's node_modules/.bin, beside Node, and in /usr/local/bin, /usr/bin and /bin.`,
    retryable: false
  })

const notExecutable = (file: string) =>
  new InstanceFailed({
    reason: "CommandNotExecutable",
    message: `${file} isn't executable. Run: \`chmod +x ${file}\`.`,
    retryable: false
  })

const folderClosed = (what: string, place: string, fix: string) =>
  new InstanceFailed({
    reason: "FolderClosed",
    message: `The server runs as root, and services from source run as a user of their own, who can't enter ${place} on the way to ${what}. ${fix}`,
    retryable: false
  })

const quoted = (word: string) => `'${word.replaceAll("'", "'\\''")}'`

/** The words of a program, in a terminal that util-linux's `script` makes where one is wanted: Node can't make any. */
const withTerminal = ({ command, terminal }: ExecRequest): readonly [string, ...Array<string>] => {
  const [file = "", ...args] = command
  return terminal === undefined || process.platform !== "linux" || !existsSync(scriptProgram)
    ? [file, ...args]
    : [
        scriptProgram,
        "--quiet",
        "--flush",
        "--return",
        "--command",
        `stty rows ${terminal.rows} columns ${terminal.columns}; exec ${command.map(quoted).join(" ")}`,
        "/dev/null"
      ]
}
const scriptProgram = "/usr/bin/script"

const outOfHeap = "JavaScript heap out of memory"

/** Launches instances as child processes in their own process group, seeing their declared environment and nothing of the server's. */
export const makeProcesses = async (options: ProcessesOptions) => {
  const { dataDirectoryId, records } = options
  const user = options.users?.service
  const node = await nodeFolder(options.dataDirectory, user)
  const homes = makeHomes(options.dataDirectory, dataDirectoryId, user)
  const boot = bootId()
  /** A search on the PATH that meets a closed folder ends with "permission denied" instead of "not found". */
  const isOpen = (path: string) => user === undefined || (existsSync(path) && closedTo(user, path) === undefined)
  const environment = (spec: InstanceSpec, place: ProgramPlace, home: string, port: number): Record<string, string> => {
    const { folder: directory, shell } = place
    const programs = place.path ?? [join(directory, "node_modules/.bin")]
    const path = [
      ...(shell === undefined ? [node, ...programs] : [...programs, ...shell.path.filter(isOpen), node]),
      ...[dirname(process.execPath)].filter(isOpen),
      "/usr/local/bin",
      "/usr/bin",
      "/bin"
    ]
    return {
      PATH: path.join(delimiter),
      HOME: (user === undefined ? shell?.home : undefined) ?? home,
      TMPDIR: home,
      LANG: "C.UTF-8",
      ...place.environment,
      ...Object.fromEntries([...spec.env].map(([name, value]) => [name, plainValue(value)])),
      PORT: String(port),
      [markerName]: `${dataDirectoryId}/${spec.id}`
    }
  }

  const programIn = async (
    { folder, portArguments = [], start }: ProgramPlace,
    { args = [], command }: ReturnType<typeof wordsOf>,
    port: number
  ): Promise<Program> => {
    try {
      if (start === undefined || command !== undefined) return await programOf(folder, command, args)
      return programOfStart(start, [
        ...portArguments.map((portArgument) => portArgument.replace("{port}", String(port))),
        ...args
      ])
    } catch (cause) {
      if (!(cause instanceof BuildFailed)) throw cause
      throw new InstanceFailed({ reason: "NothingToRun", message: cause.message, retryable: false })
    }
  }

  const launch = async (spec: InstanceSpec, place: ProgramPlace): Promise<Launched> => {
    const directory = place.folder
    const reserved = await reservePort()
    const { port } = reserved
    const record = { id: spec.id, kind: "process", boot, graceMs: spec.graceMs } as const
    try {
      const words = wordsOf(spec, port)
      const program = await programIn(place, words, port)
      if (user !== undefined) {
        const closed = closedTo(user, directory)
        if (closed !== undefined) {
          const fix =
            "Choose a folder that all users may enter (chmod o+x), or start the server as the user who owns it."
          throw folderClosed(directory, closed, fix)
        }
      }
      // The server's own Node may be closed to the user; the one of the data folder is the same.
      const file = user !== undefined && program.file === process.execPath ? join(node, "node") : program.file
      const home = homes.make(spec.id)
      records.write(record)
      const options = {
        ...user,
        cwd: directory,
        env: environment(spec, place, home, port),
        detached: true
      }
      // Tools that watch files end with their standard input, which says nothing here and stays open.
      const child = await startProgram(() =>
        place.portArguments === undefined
          ? spawn(file, [...program.args], { ...options, stdio: ["ignore", "pipe", "pipe"] })
          : spawn(file, [...program.args], { ...options, stdio: ["pipe", "pipe", "pipe"] })
      ).catch((cause: NodeJS.ErrnoException) => {
        if (cause.code === "EACCES" && user !== undefined) {
          throw folderClosed(program.file, "its folder, or may not run it,", "Install it where all users may run it.")
        }
        if (cause.code === "EACCES") throw notExecutable(program.file)
        throw cause.code === "ENOENT" ? noProgram(program.file) : cause
      })
      const { pid } = child
      if (pid === undefined) throw new Error(`${program.file} has no process`)
      const forget = endOnAbort(-pid, "SIGKILL")
      const startTime = startTimeOf(pid)
      records.write({ ...record, pid, ...(startTime === undefined ? {} : { startTime }) })

      const marker = `${dataDirectoryId}/${spec.id}`
      const isMine = (entry: ProcessEntry) => entry.marker === marker || entry.group === pid
      let searched = ""
      const search = (chunk: Uint8Array) => {
        if (searched.length < searchedBytes) searched += Buffer.from(chunk).toString("latin1")
      }
      let ending = ""
      for (const stream of ["stdout", "stderr"] as const) {
        child[stream].on("data", (chunk: Buffer) => {
          if (stream === "stderr") search(chunk)
          ending = (ending + chunk.subarray(-4_096).toString("latin1")).slice(-4_096)
          spec.onOutput(stream, chunk)
        })
        // A pipe that breaks says no more than the exit does.
        child[stream].on("error", () => undefined)
      }

      const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
        child.once("exit", (code, signal) => resolve({ code, signal }))
      )
      const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
      const execs = makeExecs(dataDirectoryId)
      let stopping: Promise<void> | undefined
      const stop = (graceMs: number) => {
        stopping ??= endProcesses(isMine, graceMs, exit).then(async () => {
          forget()
          await execs.endAll()
          await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, drainMs).unref())])
          child.stdout.destroy()
          child.stderr.destroy()
          reserved.release()
        })
        return stopping
      }
      const ended = exit.then(async ({ code, signal }): Promise<Ended> => {
        await stop(spec.graceMs)
        const portTaken = searched.includes("EADDRINUSE") && !(await isFree(port))
        return { code, signal, outOfMemory: (searched + ending).includes(outOfHeap), again: portTaken, output: ending }
      })
      return {
        hosts: ["127.0.0.1", "::1"],
        port,
        of: "source",
        declaredPort: port,
        settleMs: 0,
        ended,
        stop,
        // Development servers do on purpose, and never run on a cluster.
        caution: async () =>
          place.portArguments === undefined && (await listensOnLoopbackOnly(port))
            ? loopbackOnly(port, `port ${port}: open on 127.0.0.1 or ::1, and closed on the machine's other addresses`)
            : undefined,
        exec: (request) =>
          execs.start(request, (marker) => {
            homes.keep()
            const own = { ...environment(spec, place, home, port), [markerName]: marker }
            const [file, ...args] = withTerminal(request)
            const term = request.terminal === undefined ? {} : { TERM: "xterm-256color" }
            return { file, args, options: { ...user, cwd: directory, env: { ...term, ...own } } }
          }),
        explain: async () => {
          const pids = withDescendants(await processTable(), isMine).map((entry) => entry.pid)
          const ports = await listeningPorts(pids)
          const other = ports.includes(port) ? undefined : ports.find((port) => !toolPorts.includes(port))
          return other === undefined
            ? undefined
            : wrongPort(other, port, portsSeen(port, ports), {
                fix: place.portArguments === undefined ? fixOfSource : fixOfDevScript,
                suffix: " (PORT)"
              })
        }
      }
    } catch (cause) {
      reserved.release()
      records.remove(spec.id)
      homes.remove(spec.id)
      throw cause instanceof InstanceFailed ? cause : cannotLaunch(cause)
    }
  }

  /** Removes what an instance leaves on disk. */
  const forget = async (id: string): Promise<void> => {
    records.remove(id)
    homes.remove(id)
  }

  /** Ends what an earlier run of the server left, known by pid with start time, or by the marker; returns how many instances. */
  const clean = async (): Promise<number> => {
    const recorded = records.all()
    const left = recorded.filter((record) => record.kind === "process")
    // The engine's clients are ended here as well, and counted with their containers.
    const clients = new Set(
      recorded.flatMap(({ id, kind }) => (kind === "container" ? [`${dataDirectoryId}/${id}`] : []))
    )
    const known = new Map(
      left.flatMap((record) =>
        record.boot === boot && record.pid !== undefined && record.startTime !== undefined
          ? [[record.pid, record.startTime] as const]
          : []
      )
    )
    const isKnown = (entry: ProcessEntry) => known.get(entry.pid) === entry.startTime
    const isMine = (entry: ProcessEntry) => isKnown(entry) || (entry.marker?.startsWith(`${dataDirectoryId}/`) ?? false)
    const found = new Set(
      (await processTable())
        .filter((entry) => isMine(entry) && !entry.zombie)
        .filter((entry) => entry.marker === undefined || !clients.has(entry.marker))
        .map((entry) => entry.marker ?? `${dataDirectoryId}/${left.find((record) => record.pid === entry.pid)?.id}`)
    )
    // Nobody sends them requests any more, and the next ones wait for them: a short grace for what they have to write.
    const graceMs = Math.min(2_000, Math.max(0, ...left.map((record) => record.graceMs)))
    await endProcesses(isMine, found.size > 0 && left.length === 0 ? 2_000 : graceMs)
    for (const record of left) records.remove(record.id)
    // Whatever they have hidden of what they started: nothing may write while root removes what they wrote.
    if (user !== undefined) await endAllOf(user)
    // Without root, a read-only folder in a service's home (Go's module cache, say) would keep the server from starting.
    await (user === undefined ? removeTree(homes.root) : rm(homes.root, { recursive: true, force: true }))
    return found.size
  }

  return { launch, forget, clean }
}
