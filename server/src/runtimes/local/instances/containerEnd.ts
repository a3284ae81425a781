import { Schema } from "effect"
import type { Ended } from "./supervise.ts"

/** What the engine knows of a container (`inspect`, `.State`). */
export const ContainerState = Schema.Struct({
  Status: Schema.String,
  ExitCode: Schema.Int,
  OOMKilled: Schema.optional(Schema.Boolean),
  StartedAt: Schema.optional(Schema.String),
  Error: Schema.optional(Schema.String),
  Pid: Schema.optional(Schema.Int)
})
export type ContainerState = typeof ContainerState.Type

/** What is seen of a container once the engine's client, which it is attached to, has ended. */
export interface SeenEnd {
  readonly engine: "podman" | "docker"
  /** Of the client; null where that was ended by a signal. */
  readonly code: number | null
  /** undefined: the engine knows the container no more, or never did. */
  readonly state: ContainerState | undefined
  /** The last of its standard error, where the starter says why it ended. */
  readonly errorOutput: string
  /** Has the server told it to end? */
  readonly asked: boolean
  /** Is the starter its init? */
  readonly hasInit: boolean
  /** Is there a limit of memory? */
  readonly limited: boolean
}

/** Of the engine's client: the container could not be made or started. */
const startCodes: ReadonlyArray<number | null> = [125, 126, 127]

/** Did its program never run? */
export const neverRan = ({ asked, code, state }: Pick<SeenEnd, "asked" | "code" | "state">): boolean => {
  if (asked || code === 0) return false
  return state === undefined
    ? startCodes.includes(code)
    : ["created", "configured", "initialized"].includes(state.Status)
}

/** What the starter answers where one of these signals from outside has ended the program: 192 and its number. */
const outsideSignals: Readonly<Record<number, string>> = { 194: "SIGINT", 195: "SIGQUIT", 207: "SIGTERM" }

const starterSaid = /^maxcloud-starter: killed(, out of memory|, for an unknown reason| by SIGKILL)$/m

/** Who ended it, where that was neither its program nor the server; undefined where it was one of these. */
const outsider = ({ asked, code, engine, errorOutput, hasInit, state }: SeenEnd): string | undefined => {
  if (asked) return undefined
  if (state === undefined) return `its container was removed, as by \`${engine} rm\``
  if (["running", "paused", "stopping"].includes(state.Status) || code === null)
    return `the ${engine} process that its container is attached to was ended`
  if (state.ExitCode < 0 || state.ExitCode > 255) return "the process that watches its container was ended"
  if (!hasInit) return undefined
  const signal = outsideSignals[state.ExitCode]
  if (signal !== undefined) return `its container was told to end by ${signal}, as by \`${engine} stop\``
  return state.ExitCode === 137 && state.OOMKilled !== true && !starterSaid.test(errorOutput)
    ? `its container was killed, as by \`${engine} kill\``
    : undefined
}

/** How a container ended whose program ran. */
export const containerEnd = (seen: SeenEnd): Pick<Ended, "code" | "signal" | "outOfMemory" | "outside"> => {
  const outside = outsider(seen)
  if (outside !== undefined) return { code: null, signal: null, outOfMemory: false, outside }
  const { asked, code, errorOutput, hasInit, limited, state } = seen
  const exitCode = state?.ExitCode ?? code
  // It did what it was told.
  if (hasInit && exitCode !== null && exitCode in outsideSignals) return { code: 0, signal: null, outOfMemory: false }
  const killed = exitCode === 137
  const [, why] = starterSaid.exec(errorOutput) ?? []
  // The engine's own flag comes by an event that it can miss (conmon on cgroup v1). Where nobody can say, who was killed under a limit
  // without having been told to end was killed by that limit.
  const byLimit = hasInit && why !== ", for an unknown reason" ? why === ", out of memory" : limited && !asked
  return {
    code: killed ? null : exitCode,
    signal: killed ? "SIGKILL" : null,
    outOfMemory: state?.OOMKilled === true || (killed && byLimit)
  }
}
