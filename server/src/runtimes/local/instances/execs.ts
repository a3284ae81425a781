import { type ChildProcess, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readlink } from "node:fs/promises"
import { constants } from "node:os"
import { PassThrough } from "node:stream"
import type { TerminalSize } from "@maxcloud/sdk/api"
import { endOnAbort } from "../../../base/host/endOnAbort.ts"
import { endProcesses } from "../../../base/host/endProcesses.ts"
import { hostEnvironment } from "../../../base/host/hostEnvironment.ts"
import { type ProcessEntry, processTable } from "../../../base/host/processTable.ts"
import { errorText } from "../../../base/host/systemFault.ts"
import type { ExecProcess, ExecRequest } from "../../port/Runtime.ts"
import { renamedFirstLine } from "./renamedFirstLine.ts"

/** How to start a program beside the service's own. Put `marker` into its environment, so that all its processes can be found. */
export interface ExecLaunch {
  /** The line for a missing program. undefined: its file is a client that prints one itself. */
  readonly missing?: string
  /** Replaces the line that the image's starter prints if it can't run the program. @default none */
  readonly renamed?: (line: string) => string | undefined
  readonly file: string
  readonly args: ReadonlyArray<string>
  readonly options: {
    readonly cwd: string
    readonly env: NodeJS.ProcessEnv
    readonly uid?: number
    readonly gid?: number
  }
}

/** Grace period between SIGTERM and SIGKILL. */
const graceMs = 2_000

const notFound = 127
const notRunnable = 126

/** Its exit code, as a shell reports it. */
const codeOf = (code: number | null, signal: NodeJS.Signals | null): number =>
  code ?? 128 + (signal === null ? 0 : constants.signals[signal])

/** Sets the size of a process's terminal with a system program: Node has no call for it. */
const setSize = (pid: number, { columns, rows }: TerminalSize): void => {
  spawn("/bin/stty", ["-F", `/proc/${pid}/fd/0`, "rows", String(rows), "columns", String(columns)], {
    env: hostEnvironment("system"),
    stdio: "ignore"
  }).on("error", () => {})
}

const isTerminal = (pid: number) =>
  readlink(`/proc/${pid}/fd/0`).then(
    (found) => /^\/dev\/pts\/\d+$/.test(found),
    () => false
  )

const running = (
  child: ChildProcess,
  isMine: (entry: ProcessEntry) => boolean,
  tty: boolean,
  { missing = "Command not found", renamed }: Pick<ExecLaunch, "missing" | "renamed">
): ExecProcess => {
  const renaming = () => (renamed === undefined ? new PassThrough() : renamedFirstLine(renamed))
  const stderr = renaming()
  const stdin = child.stdin ?? new PassThrough()
  // In a terminal, both outputs are one.
  const stdout = child.stdout === null ? new PassThrough().end() : tty ? child.stdout.pipe(renaming()) : child.stdout
  // A program may stop reading: that isn't an error.
  stdin.on("error", () => {})
  stdout.on("error", () => {})
  child.stdout?.on("error", () => {})
  if (child.stderr !== null) child.stderr.on("error", () => {}).pipe(stderr)
  const forget = child.pid === undefined ? () => {} : endOnAbort(-child.pid, "SIGKILL")
  const exit = new Promise<number>((resolve) => {
    child.once("exit", (code, signal) => resolve(codeOf(code, signal)))
    child.once("error", (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === "ENOENT"
      stderr.end(`${isMissing ? missing : `Couldn't run the program: ${errorText(error)}`}\n`)
      resolve(isMissing ? notFound : notRunnable)
    })
  })
  let ending: Promise<void> | undefined
  return {
    stdin,
    stdout,
    stderr: tty ? undefined : stderr,
    exit,
    resize: (size) => {
      if (!tty || process.platform !== "linux") return
      void processTable().then(async (table) => {
        for (const { pid } of table.filter(isMine)) if (await isTerminal(pid)) return setSize(pid, size)
      })
    },
    end: () => {
      ending ??= endProcesses(isMine, graceMs, exit).then(() => {
        forget()
        stdin.destroy()
        stdout.destroy()
        child.stdout?.destroy()
        child.stderr?.destroy()
      })
      return ending
    }
  }
}

/** The programs that run beside one instance's own. */
export const makeExecs = (dataDirectoryId: string) => {
  const open = new Set<ExecProcess>()
  return {
    start: (request: ExecRequest, launch: (marker: string) => ExecLaunch): ExecProcess => {
      const marker = `${dataDirectoryId}/exec-${randomBytes(8).toString("hex")}`
      const { args, file, options, ...lines } = launch(marker)
      const child = spawn(file, [...args], { ...options, detached: true, stdio: ["pipe", "pipe", "pipe"] })
      const isMine = (entry: ProcessEntry) => entry.marker === marker || entry.group === child.pid
      const process = running(child, isMine, request.terminal !== undefined, lines)
      const tracked: ExecProcess = {
        ...process,
        end: () => process.end().finally(() => open.delete(tracked))
      }
      open.add(tracked)
      if (request.terminal !== undefined) {
        const { terminal } = request
        child.once("spawn", () => setTimeout(() => tracked.resize(terminal), 200).unref())
      }
      return tracked
    },
    /** Ends with the instance. */
    endAll: async () => {
      await Promise.all([...open].map((each) => each.end()))
    }
  }
}
