import { type Diagnosis, diagnosisOf } from "@maxcloud/sdk/api"
import { Deferred, Exit, FiberId } from "effect"
import { notHttp, wrongProtocol } from "../../../diagnosis/listening.ts"
import { failedBy, type InstanceExit, type InstanceFailed, type InstanceSpec, type ProbeSpec } from "../Instance.ts"
import type { Launched } from "../Launched.ts"
import { checkFinding } from "./findings.ts"
import { type Health, watchHealth } from "./health.ts"
import { type SpeechTarget, speaksOtherwise, speechOf } from "./speech.ts"

const speechMs = 3_000

/** A supervised instance: what currently runs of it, and the decisions about it. */
export interface Supervised {
  readonly spec: InstanceSpec
  readonly ready: Deferred.Deferred<void, InstanceFailed>
  readonly exited: Deferred.Deferred<InstanceExit>
  current: Launched
  /** The host at which it answers. */
  host: string
  port: number
  health: Health | undefined
  wasReady: boolean
  /** Was it told to stop? */
  wanted: boolean
  gaveUp: boolean
  /** The fault for which it was stopped while it ran, if any. */
  dead: Diagnosis | undefined
}

export const makeSupervised = (spec: InstanceSpec, first: Launched): Supervised => ({
  spec,
  ready: Deferred.unsafeMake(FiberId.none),
  exited: Deferred.unsafeMake(FiberId.none),
  current: first,
  host: first.hosts[0],
  port: first.port,
  health: undefined,
  wasReady: false,
  wanted: false,
  gaveUp: false,
  dead: undefined
})

/** Continues with a new launch. */
export const goOnWith = (instance: Supervised, launched: Launched): void => {
  instance.current = launched
  instance.host = launched.hosts[0]
  instance.port = launched.port
}

/** Can it still become ready? */
export const isPending = ({ gaveUp, wanted, wasReady }: Supervised): boolean => !wasReady && !gaveUp && !wanted

export const fail = ({ ready }: Supervised, failure: InstanceFailed): void =>
  Deferred.unsafeDone(ready, Exit.fail(failure))

const giveUp = (instance: Supervised, failure: InstanceFailed): void => {
  instance.gaveUp = true
  instance.health?.stop()
  fail(instance, failure)
  void instance.current.stop(instance.spec.graceMs)
}

/** Checks whether the listener speaks HTTP: nothing else reaches a service. */
const listen = async (instance: Supervised, at: number): Promise<void> => {
  const { current: launched, host, spec } = instance
  const others = launched.otherPorts ?? []
  const declared = others.find((other) => other.port === at)?.declaredPort ?? launched.declaredPort
  if (others.length > 0) {
    launched.onChosen?.(declared)
    spec.onSystem?.(
      `Port ${declared} is the exposed port that answers HTTP, so requests go there. To use another, set \`port:\` in the config.`
    )
    return
  }
  if ((spec.startup ?? spec.readiness)?.path !== undefined) return
  const speech = await speechOf({ host, port: at, timeoutMs: speechMs })
  const found = notHttp(declared, speech, launched.of)
  if (found === undefined || launched !== instance.current || instance.wanted || instance.gaveUp) return
  instance.dead = found
  giveUp(instance, failedBy(found, false))
}

/** What is wrong with an instance although it is ready. */
const cautionOf = async ({ current, spec }: Supervised, target: SpeechTarget, declaredPort: number) => {
  const protocol = spec.protocol ?? "http1"
  if (!(await speaksOtherwise(target, protocol))) return current.caution?.()
  const found = wrongProtocol(declaredPort, protocol, [
    `port ${declaredPort}: ${protocol === "h2c" ? "an HTTP/2 connection is answered by HTTP/1.1" : "an HTTP/1.1 request is answered by HTTP/2"}`
  ])
  spec.onSystem?.(`Requests will fail: ${found.message}. ${found.fix}`)
  return found
}

/** Watches the health of the current launch, and gives it up if that fails. */
export const watch = (instance: Supervised): Health => {
  const { current, spec } = instance
  return watchHealth({
    spec,
    hosts: current.hosts,
    ports: [current.port, ...(current.otherPorts ?? []).map((each) => each.port)],
    settleMs: current.settleMs,
    onReady: (answering, at) => {
      instance.host = answering
      instance.port = at
      instance.wasReady = true
      void listen(instance, at)
      Deferred.unsafeDone(instance.ready, Exit.void)
      const port = (current.otherPorts ?? []).find((other) => other.port === at)?.declaredPort ?? current.declaredPort
      const caution = cautionOf(instance, { host: answering, port: at, timeoutMs: speechMs }, port)
      void caution.catch(() => undefined).then((found) => spec.onFinding?.(found))
    },
    onDeadline: (milliseconds) => {
      instance.gaveUp = true
      void current
        .explain()
        .catch(() => undefined)
        .then((found) => {
          const why = found ?? checkFinding(spec, current, instance.health?.last(), milliseconds)
          giveUp(instance, failedBy(why, !found))
        })
    },
    onDead: (given) => {
      spec.onSystem?.(
        `Liveness probe failed ${given.failureThreshold} times${given.path === undefined ? "" : ` on ${given.path}`}. Stopping the instance.`
      )
      instance.dead = livenessFailed(given)
      giveUp(instance, failedBy(instance.dead, true))
    }
  })
}

const livenessFailed = ({ anyAnswer, failureThreshold, path, timeoutMs }: ProbeSpec): Diagnosis =>
  diagnosisOf(
    "LivenessFailing",
    anyAnswer === undefined
      ? `the program was stopped because its liveness probe${path === undefined ? "" : ` GET ${path}`} failed ${failureThreshold} times in a row`
      : `the program was stopped because it answered no request within ${timeoutMs / 1000} s, ${failureThreshold} times in a row`
  )
