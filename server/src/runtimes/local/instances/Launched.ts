import type { Diagnosis } from "@maxcloud/sdk/api"
import { errorText } from "../../../base/host/systemFault.ts"
import type { ExecProcess, ExecRequest } from "../../port/Runtime.ts"
import { type InstanceExit, InstanceFailed } from "./Instance.ts"

/** How a process or container ended, reported after its last output. */
export interface Ended extends Omit<InstanceExit, "wanted"> {
  /** Why it never ran, if the machine or the engine is to blame. */
  readonly failure?: InstanceFailed
  /** The end of its output. */
  readonly output?: string
  /** Is it worth launching again at once (its port was taken meanwhile, a limit was refused)? */
  readonly again?: boolean
}

/** One process or container, launched once. */
export interface Launched {
  readonly hosts: readonly [string, ...Array<string>]
  readonly port: number
  readonly of: "image" | "source"
  /** The port on which the program itself must listen. */
  readonly declaredPort: number
  /** Other ports on which it may listen: the first that answers HTTP is used. */
  readonly otherPorts?: ReadonlyArray<{ readonly port: number; readonly declaredPort: number }>
  /** All its ports that can be reached from this machine. @default none beside its own */
  readonly published?: ReadonlyArray<{ readonly port: number; readonly declaredPort: number }>
  readonly settleMs: number
  readonly ended: Promise<Ended>
  /** SIGTERM, the grace period, SIGKILL; settles when it has ended with all its children. Safe to call twice. */
  readonly stop: (graceMs: number) => Promise<void>
  readonly exec: (request: ExecRequest) => ExecProcess
  /** Finds out why it doesn't become ready; undefined if it finds nothing. */
  readonly explain: () => Promise<Diagnosis | undefined>
  /** Called with the declared port chosen among several. */
  readonly onChosen?: (declaredPort: number) => void
  /** Looks for things that work here but fail on a cluster, once it is ready. */
  readonly caution?: () => Promise<Diagnosis | undefined>
}

/** The failure if the machine refuses to launch anything. */
export const cannotLaunch = (cause: unknown): InstanceFailed =>
  new InstanceFailed({
    reason: "CannotStart",
    message: `Couldn't start the instance. ${errorText(cause)}`,
    retryable: true
  })

/** Turns any fault of a launch into the reason of the instance's failure. */
export const toFailure = (cause: unknown): InstanceFailed =>
  cause instanceof InstanceFailed ? cause : cannotLaunch(cause)
