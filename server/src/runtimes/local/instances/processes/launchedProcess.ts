import type { ChildProcessByStdio } from "node:child_process"
import type { Readable, Writable } from "node:stream"
import { endProcesses } from "../../../../base/host/endProcesses.ts"
import { listeningPorts, listensOnLoopbackOnly } from "../../../../base/host/listeningPorts.ts"
import { type ProcessEntry, processTable, withDescendants } from "../../../../base/host/processTable.ts"
import { toolPorts } from "../../../../stores/images/documents/portOfExposed.ts"
import { fixOfFixedPort, fixOfSource, loopbackOnly, portsSeen, wrongPort } from "../../../diagnosis/listening.ts"
import { type ExecLaunch, makeExecs } from "../execs.ts"
import { isFree, type ReservedPort } from "../freePort.ts"
import type { InstanceSpec } from "../Instance.ts"
import type { Ended, Launched } from "../Launched.ts"
import { makeOutputTail } from "../outputTail.ts"
import { withTerminal } from "./terminalWords.ts"

/** How long to wait for output after the exit: a process that left the group may hold the pipe open. */
const drainMs = 1_000
/** How much of the error output at the start to search for a reason. */
const searchedBytes = 64 * 1024

const outOfHeap = "JavaScript heap out of memory"

const fixOfDevScript = "Set the port in the `dev` script, as in `--port $PORT`, or use `maxcloud dev --no-dev-script`."

export type ProcessChild = ChildProcessByStdio<Writable | null, Readable, Readable>

/** A started process with all its children. */
export interface StartedProcess {
  readonly child: ProcessChild
  readonly spec: Pick<InstanceSpec, "graceMs" | "onOutput" | "port">
  readonly reserved: ReservedPort
  /** Is it the `dev` script of a folder that runs in place? */
  readonly isDevScript: boolean
  readonly dataDirectoryId: string
  readonly isMine: (entry: ProcessEntry) => boolean
  /** How to start a program beside it. */
  readonly execOptions: (marker: string) => ExecLaunch["options"]
  /** Called once it has ended with all its children. */
  readonly forget: () => void
}

/** Passes its output on, and keeps the parts that may say why it ended. */
const listenTo = (child: ProcessChild, onOutput: InstanceSpec["onOutput"]) => {
  let searched = ""
  const ending = makeOutputTail("latin1")
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (chunk: Buffer) => {
      if (stream === "stderr" && searched.length < searchedBytes) searched += chunk.toString("latin1")
      ending.add(chunk)
      onOutput(stream, chunk)
    })
    // A broken pipe says no more than the exit does.
    child[stream].on("error", () => undefined)
  }
  return { searched: () => searched, ending: ending.text }
}

/** How it ends: on its own, or because it is stopped. */
const ending = (started: StartedProcess, endExecs: () => Promise<void>): Pick<Launched, "ended" | "stop"> => {
  const { child, forget, isMine, reserved, spec } = started
  const output = listenTo(child, spec.onOutput)
  const exit = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) =>
    child.once("exit", (code, signal) => resolve({ code, signal }))
  )
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
  let stopping: Promise<void> | undefined
  const stop = (graceMs: number) => {
    stopping ??= endProcesses(isMine, graceMs, exit).then(async () => {
      forget()
      await endExecs()
      await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, drainMs).unref())])
      child.stdout.destroy()
      child.stderr.destroy()
      reserved.release()
    })
    return stopping
  }
  const ended = exit.then(async ({ code, signal }): Promise<Ended> => {
    await stop(spec.graceMs)
    const searched = output.searched()
    const tail = output.ending()
    const portTaken = searched.includes("EADDRINUSE") && !(await isFree(reserved.port))
    return { code, signal, outOfMemory: (searched + tail).includes(outOfHeap), again: portTaken, output: tail }
  })
  return { ended, stop }
}

/** Where it listens, if not on its port. */
const explain = async ({ isDevScript, isMine, reserved: { port }, spec }: StartedProcess) => {
  const pids = withDescendants(await processTable(), isMine).map((entry) => entry.pid)
  const ports = await listeningPorts(pids)
  const other = ports.includes(port) ? undefined : ports.find((port) => !toolPorts.includes(port))
  if (other === undefined) return undefined
  const fixOfProgram = other === spec.port ? fixOfFixedPort(other) : fixOfSource
  return wrongPort(other, port, portsSeen(port, ports), {
    fix: isDevScript ? fixOfDevScript : fixOfProgram,
    suffix: " (PORT)"
  })
}

export const launchedProcess = (started: StartedProcess): Launched => {
  const { dataDirectoryId, execOptions, isDevScript } = started
  const { port } = started.reserved
  const execs = makeExecs(dataDirectoryId)
  return {
    hosts: ["127.0.0.1", "::1"],
    port,
    of: "source",
    declaredPort: port,
    settleMs: 0,
    ...ending(started, execs.endAll),
    // Development servers do this on purpose, and never run on a cluster.
    caution: async () =>
      !isDevScript && (await listensOnLoopbackOnly(port))
        ? loopbackOnly(port, `port ${port}: open on 127.0.0.1 or ::1, closed on the machine's other addresses`)
        : undefined,
    exec: (request) =>
      execs.start(request, (marker) => {
        const options = execOptions(marker)
        const [file, ...args] = withTerminal(request)
        const term = request.terminal === undefined ? {} : { TERM: "xterm-256color" }
        const missing = `${request.command[0] ?? ""}: not found on this machine, where the service runs`
        return { file, args, missing, options: { ...options, env: { ...term, ...options.env } } }
      }),
    explain: () => explain(started)
  }
}
