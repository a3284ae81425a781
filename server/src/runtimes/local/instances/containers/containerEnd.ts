import { Schema } from "effect"
import type { Ended } from "../Launched.ts"

/** The engine's state of a container (`inspect`, `.State`). */
export const ContainerState = Schema.Struct({
  Status: Schema.String,
  ExitCode: Schema.Int,
  OOMKilled: Schema.optional(Schema.Boolean),
  StartedAt: Schema.optional(Schema.String),
  Error: Schema.optional(Schema.String),
  Pid: Schema.optional(Schema.Int)
})
export type ContainerState = typeof ContainerState.Type

/** The facts about a container once the attached client of the engine has exited. */
export interface SeenEnd {
  readonly engine: "podman" | "docker"
  /** The client's exit code; null if a signal ended it. */
  readonly code: number | null
  /** undefined: the engine no longer knows the container, or never did. */
  readonly state: ContainerState | undefined
  /** The end of its standard error, where the starter says why it ended. */
  readonly errorOutput: string
  /** Has the server stopped it? */
  readonly asked: boolean
  /** Is the starter its init process? */
  readonly hasInit: boolean
  /** Does it have a memory limit? */
  readonly limited: boolean
}

/** The client's exit codes if the container couldn't be created or started. */
const startCodes: ReadonlyArray<number | null> = [125, 126, 127]

/** Did its program never run? */
export const neverRan = ({ asked, code, state }: Pick<SeenEnd, "asked" | "code" | "state">): boolean => {
  if (asked || code === 0) return false
  return state === undefined
    ? startCodes.includes(code)
    : ["created", "configured", "initialized"].includes(state.Status)
}

/** The starter's exit codes if one of these signals from outside ended the program: 192 plus the signal's number. */
const outsideSignals: Readonly<Record<number, string>> = { 194: "SIGINT", 195: "SIGQUIT", 207: "SIGTERM" }

const starterSaid = /^maxcloud-starter: killed(, out of memory|, for an unknown reason| by SIGKILL)$/m

/** Who stopped it, if neither its program nor the server did; undefined otherwise. */
const outsider = ({ asked, code, engine, errorOutput, hasInit, state }: SeenEnd): string | undefined => {
  if (asked) return undefined
  if (state === undefined) return `its container was removed, as by \`${engine} rm\``
  if (["running", "paused", "stopping"].includes(state.Status) || code === null)
    return `the ${engine} process attached to its container was killed`
  if (state.ExitCode < 0 || state.ExitCode > 255) return "the process that watches its container was killed"
  if (!hasInit) return undefined
  const signal = outsideSignals[state.ExitCode]
  if (signal !== undefined) return `its container was stopped with ${signal}, as by \`${engine} stop\``
  return state.ExitCode === 137 && state.OOMKilled !== true && !starterSaid.test(errorOutput)
    ? `its container was killed, as by \`${engine} kill\``
    : undefined
}

/** The end of a container whose program ran. */
export const containerEnd = (seen: SeenEnd): Pick<Ended, "code" | "signal" | "outOfMemory" | "outside"> => {
  const outside = outsider(seen)
  if (outside !== undefined) return { code: null, signal: null, outOfMemory: false, outside }
  const { asked, code, errorOutput, hasInit, limited, state } = seen
  const exitCode = state?.ExitCode ?? code
  // The program obeyed the signal.
  if (hasInit && exitCode !== null && exitCode in outsideSignals) return { code: 0, signal: null, outOfMemory: false }
  const killed = exitCode === 137
  const [, why] = starterSaid.exec(errorOutput) ?? []
  // The engine sets its own flag by an event that it can miss (conmon on cgroup v1). If the cause is unknown, a program that was
  // killed under a memory limit, and that nobody stopped, was killed by that limit.
  const byLimit = hasInit && why !== ", for an unknown reason" ? why === ", out of memory" : limited && !asked
  return {
    code: killed ? null : exitCode,
    signal: killed ? "SIGKILL" : null,
    outOfMemory: state?.OOMKilled === true || (killed && byLimit)
  }
}
