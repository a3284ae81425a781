import type { Diagnosis } from "@maxcloud/sdk/api"
import { errorText } from "../../../base/host/systemFault.ts"
import type { ExecProcess, ExecRequest } from "../../port/Runtime.ts"
import { type InstanceExit, InstanceFailed } from "./Instance.ts"

/** How a process or container ended, told after its last output. */
export interface Ended extends Omit<InstanceExit, "wanted"> {
  /** Why it never ran, where that is not its own fault but the machine's or the engine's. */
  readonly failure?: InstanceFailed
  /** The last of what it wrote. */
  readonly output?: string
  /** Would it be worth it to launch it once more at once (its port was taken meanwhile, a limit was refused)? */
  readonly again?: boolean
}

/** One process or container, launched once. */
export interface Launched {
  readonly hosts: readonly [string, ...Array<string>]
  readonly port: number
  readonly of: "image" | "source"
  /** The port that the program itself has to listen on. */
  readonly declaredPort: number
  /** Where it may listen as well: the first that answers HTTP is taken. */
  readonly otherPorts?: ReadonlyArray<{ readonly port: number; readonly declaredPort: number }>
  readonly settleMs: number
  readonly ended: Promise<Ended>
  /** SIGTERM, the grace time, SIGKILL; settled when it has ended with all that it started. Safe to be called twice. */
  readonly stop: (graceMs: number) => Promise<void>
  readonly exec: (request: ExecRequest) => ExecProcess
  /** Looks for why it does not become ready; undefined where nothing is found. */
  readonly explain: () => Promise<Diagnosis | undefined>
  /** Is told the declared port that was taken of several. */
  readonly onChosen?: (declaredPort: number) => void
  /** Looks for what works here and fails on a cluster, once it is ready. */
  readonly caution?: () => Promise<Diagnosis | undefined>
}

/** What has to be said when the machine refuses to launch anything. */
export const cannotLaunch = (cause: unknown): InstanceFailed =>
  new InstanceFailed({
    reason: "CannotStart",
    message: `The instance couldn't be started. ${errorText(cause)}`,
    retryable: true
  })

/** Any fault of a launch, as why the instance failed. */
export const toFailure = (cause: unknown): InstanceFailed =>
  cause instanceof InstanceFailed ? cause : cannotLaunch(cause)
