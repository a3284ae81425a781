import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { Deferred, Effect, Exit, FiberId } from "effect"
import { errorText } from "../../../base/host/systemFault.ts"
import { memoryText } from "../../../base/words/bytesText.ts"
import { endDiagnosis, endedFromOutside, howItEnded, outOfMemory } from "../../diagnosis/endDiagnosis.ts"
import { notHttp } from "../../diagnosis/listening.ts"
import type { ExecProcess, ExecRequest } from "../../port/Runtime.ts"
import { checkFinding, lookInto } from "./findings.ts"
import { type Health, watchHealth } from "./health.ts"
import {
  failedBy,
  type Instance,
  type InstanceExit,
  InstanceFailed,
  type InstanceSpec,
  type ProbeSpec
} from "./Instance.ts"
import { speechOf } from "./speech.ts"

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

const launches = 3
const speechMs = 3_000

/** Why an instance that ended before it was ready did so. */
const endedEarly = (
  ended: Ended,
  { memoryBytes }: InstanceSpec,
  of: Launched["of"],
  milliseconds: number
): InstanceFailed => {
  if (ended.failure) return ended.failure
  const seconds = Math.round(milliseconds / 100) / 10
  if (ended.outside !== undefined) return failedBy(endedFromOutside(ended.outside), true)
  const when = seconds < 1 ? " within a second of its start" : ` ${seconds} s after its start`
  const evidence = [`the instance ended ${howItEnded(ended)},${when}`]
  return failedBy(
    ended.outOfMemory
      ? outOfMemory(of === "image" ? memoryText(memoryBytes) : undefined, evidence)
      : endDiagnosis(ended, { evidence, of, when, output: ended.output ?? "" }),
    true,
    ended.code
  )
}

/**
 * Makes an instance of what `launch` launches: readiness, liveness, deadline, exit. `afterEnd` is run once nothing of it is
 * left. The first launch has been made when it returns.
 */
export const supervise = async (
  spec: InstanceSpec,
  launch: () => Promise<Launched>,
  afterEnd: () => Promise<void>,
  resolvedImage?: string
): Promise<Instance> => {
  const ready = Deferred.unsafeMake<void, InstanceFailed>(FiberId.none)
  const exited = Deferred.unsafeMake<InstanceExit>(FiberId.none)
  let current = await launch()
  let host: string = current.hosts[0]
  let port = current.port
  let dead: Diagnosis | undefined
  let wanted = false
  let gaveUp = false
  let wasReady = false
  let health: Health | undefined

  const fail = (failure: InstanceFailed) => Deferred.unsafeDone(ready, Exit.fail(failure))
  const giveUp = (failure: InstanceFailed) => {
    gaveUp = true
    health?.stop()
    fail(failure)
    void current.stop(spec.graceMs)
  }

  /** Hears whether what listens speaks HTTP: nothing else reaches a service. */
  const listen = async (at: number) => {
    const launched = current
    const others = launched.otherPorts ?? []
    const declared = others.find((other) => other.port === at)?.declaredPort ?? launched.declaredPort
    if (others.length > 0) {
      launched.onChosen?.(declared)
      spec.onSystem?.(
        `Port ${declared} answers HTTP, of those that the image exposes: requests go there. \`port:\` in the config can name another.`
      )
      return
    }
    if ((spec.startup ?? spec.readiness)?.path !== undefined) return
    const speech = await speechOf({ host, port: at, timeoutMs: speechMs })
    const found = notHttp(declared, speech, launched.of)
    if (found === undefined || launched !== current || wanted || gaveUp) return
    dead = found
    giveUp(failedBy(found, false))
  }

  const watch = () =>
    watchHealth({
      spec,
      hosts: current.hosts,
      ports: [current.port, ...(current.otherPorts ?? []).map((each) => each.port)],
      settleMs: current.settleMs,
      onReady: (answering, at) => {
        host = answering
        port = at
        wasReady = true
        void listen(at)
        Deferred.unsafeDone(ready, Exit.void)
        const caution = current.caution?.() ?? Promise.resolve(undefined)
        void caution.catch(() => undefined).then((found) => spec.onFinding?.(found))
      },
      onDeadline: (milliseconds) => {
        gaveUp = true
        void current
          .explain()
          .catch(() => undefined)
          .then((found) => giveUp(failedBy(found ?? checkFinding(spec, current, health?.last(), milliseconds), !found)))
      },
      onDead: (given) => {
        spec.onSystem?.(
          `Liveness probe failed ${given.failureThreshold} times${given.path === undefined ? "" : ` on ${given.path}`}: it is ended.`
        )
        dead = livenessFailed(given)
        giveUp(failedBy(dead, true))
      }
    })

  const run = async () => {
    for (let count = 1; ; count++) {
      health = watch()
      const launchedAt = performance.now()
      const endLooks = lookInto({
        spec,
        launched: current,
        lastAnswer: health.last,
        isPending: () => !wasReady && !gaveUp && !wanted
      })
      const ended = await current.ended
      const ranMs = performance.now() - launchedAt
      endLooks()
      health.stop()
      await current.stop(wanted ? 0 : spec.graceMs)
      if (ended.again && !wanted && !gaveUp && !wasReady && count < launches) {
        try {
          current = await launch()
          host = current.hosts[0]
          port = current.port
          // Told to stop while it was launched once more.
          if (wanted) void current.stop(spec.graceMs)
          continue
        } catch (cause) {
          fail(cause instanceof InstanceFailed ? cause : cannotLaunch(cause))
        }
      }
      await afterEnd().catch(() => undefined)
      fail(
        wanted
          ? new InstanceFailed({ reason: "Stopped", message: "It was stopped before it was ready.", retryable: true })
          : endedEarly(ended, spec, current.of, ranMs)
      )
      const { code, signal, outOfMemory, outside } = ended
      Deferred.unsafeDone(exited, Exit.succeed({ code, signal, outOfMemory, wanted, outside, dead }))
      return
    }
  }
  // What can't be ended or looked at is over all the same for who waits for it; else that would be for ever.
  void run().catch((cause) => {
    fail(cannotLaunch(cause))
    const exit: InstanceExit = { code: null, signal: null, outOfMemory: false, wanted }
    Deferred.unsafeDone(exited, Exit.succeed(exit))
  })

  return {
    id: spec.id,
    of: current.of,
    get host() {
      return host
    },
    get port() {
      return port
    },
    ...(resolvedImage === undefined ? {} : { resolvedImage }),
    ready,
    exited,
    isReady: () => health?.isReady() ?? false,
    exec: (request) => current.exec(request),
    stop: Effect.suspend(() => {
      wanted = true
      void current.stop(spec.graceMs)
      return Effect.asVoid(Deferred.await(exited))
    })
  }
}

const livenessFailed = ({ anyAnswer, failureThreshold, path, timeoutMs }: ProbeSpec): Diagnosis =>
  diagnosisOf(
    "LivenessFailing",
    anyAnswer === undefined
      ? `the program was ended since its liveness probe${path === undefined ? "" : ` GET ${path}`} failed ${failureThreshold} times in a row`
      : `the program was ended since it answered no request within ${timeoutMs / 1000} s, ${failureThreshold} times in a row`
  )

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
