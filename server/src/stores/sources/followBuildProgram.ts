import type { ChildProcessByStdio } from "node:child_process"
import type { Readable } from "node:stream"
import { StringDecoder } from "node:string_decoder"
import { BuildFailed, failureLines, isAway, isDiskFull, remedyOf } from "@maxcloud/builder"
import { errorText, faultInText, faultText, systemFaultOf } from "../../base/host/systemFault.ts"

/** A program started without input. */
export type BuildProgram = ChildProcessByStdio<null, Readable, Readable>

export interface BuildProgramOptions {
  readonly signal: AbortSignal
  readonly onLine: (line: string) => void
  /** Called when the signal is aborted: stops the program and everything that it has started. */
  readonly end: () => void
  /** For people: `npm ci`. */
  readonly label: string
  /** How to install the program if it's missing. */
  readonly install: string
}

const keptOutput = 64 * 1024

/** Couldn't start a program of a build. */
export const notStarted = (label: string, install: string, cause: unknown): BuildFailed => {
  const fault = systemFaultOf(cause)
  const why = fault === undefined ? `${errorText(cause)}. ${install}` : faultText(fault)
  return new BuildFailed({ reason: "unavailable", message: `Couldn't run \`${label}\`. ${why}`, cause })
}

/**
 * Follows a program of a build that was just started, and emits its output, a line at a time. Rejects with `BuildFailed`
 * unless it succeeds.
 */
export const followBuildProgram = async (child: BuildProgram, options: BuildProgramOptions): Promise<void> => {
  const { end, install, label, signal } = options
  let output = ""
  let wasFull = false
  for (const stream of [child.stdout, child.stderr]) {
    const decoder = new StringDecoder("utf8")
    let rest = ""
    stream.on("data", (chunk: Buffer) => {
      const text = decoder.write(chunk)
      output = (output + text).slice(-keptOutput)
      const lines = (rest + text).split(/\r\n|\n|\r/)
      rest = (lines.pop() ?? "").slice(-4_096)
      for (const line of lines) {
        wasFull ||= isDiskFull(line)
        if (line.trim() !== "") options.onLine(line)
      }
    })
  }
  const ended = new Promise<{ code: number | null; killed: NodeJS.Signals | null; error?: Error }>((resolve) => {
    child.once("error", (error) => resolve({ code: null, killed: null, error }))
    child.once("close", (code, killed) => resolve({ code, killed }))
  })
  signal.addEventListener("abort", end, { once: true })
  const { code, error, killed } = await ended
  signal.removeEventListener("abort", end)
  signal.throwIfAborted()
  if (error !== undefined) throw notStarted(label, install, error)
  if (wasFull || (code !== 0 && isDiskFull(output)))
    throw new BuildFailed({
      reason: "unavailable",
      message: `\`${label}\` ran out of disk space. Make room on this machine's disk, then deploy again.`
    })
  if (code === 0) return
  const fault = faultInText(output)
  if (fault?.kind === "processes")
    throw new BuildFailed({ reason: "unavailable", message: `\`${label}\` failed. ${faultText(fault, "the build")}` })
  const remedy = remedyOf(output)
  throw new BuildFailed({
    reason: isAway(output) ? "unavailable" : "invalid",
    message: `\`${label}\` failed (${killed === null ? `exit code ${code}` : killed}):\n${failureLines(output)}${remedy === undefined ? "" : `\n${remedy}`}`
  })
}
