import type { InstanceSpec, ProbeSpec } from "../Instance.ts"
import { type Answering, firstAnswer } from "./firstAnswer.ts"
import { makePauses } from "./pauses.ts"
import type { ProbeAnswer } from "./probe.ts"
import { repeatProbe } from "./repeatProbe.ts"

export interface HealthOptions {
  readonly spec: Pick<InstanceSpec, "startup" | "readiness" | "liveness" | "startDeadlineMs" | "traffic">
  /** Hosts to try, in this order. The first one that answers is kept. */
  readonly hosts: readonly [string, ...Array<string>]
  /** The port, or the candidates if it isn't known, most likely first: the first that answers HTTP is kept. */
  readonly ports: readonly [number, ...Array<number>]
  readonly settleMs: number
  /** Called once, when it answers on this host and port and so is ready for requests. */
  readonly onReady: (host: string, port: number) => void
  /** It didn't become ready within `milliseconds`. */
  readonly onDeadline: (milliseconds: number) => void
  /** Its liveness probe has reached its failure threshold. */
  readonly onDead: (probe: ProbeSpec) => void
}

export interface Health {
  readonly isReady: () => boolean
  /** The result of the last failed check before it was ready. */
  readonly last: () => ProbeAnswer | undefined
  readonly stop: () => void
}

const tcpProbe: ProbeSpec = { path: undefined, initialDelayMs: 0, periodMs: 0, timeoutMs: 1_000, failureThreshold: 1 }

/**
 * Watches one instance: first its startup probe, then its readiness (a TCP connection if there is no probe). Until they first
 * succeed, both are checked more often than their period, because a caller waits; then readiness and liveness at their period.
 * Follows the semantics of Kubernetes' probes; a startup probe's threshold and period limit the start together with the deadline.
 */
export const watchHealth = (options: HealthOptions): Health => {
  const { hosts, settleMs, spec } = options
  const began = performance.now()
  const pauses = makePauses()
  let ready = false
  let last: ProbeAnswer | undefined

  const first = (given: ProbeSpec, ports: ReadonlyArray<number>) =>
    firstAnswer(given, hosts, ports, settleMs, pauses, (said) => {
      last = said
    })

  const bound = Math.min(
    spec.startDeadlineMs,
    spec.startup
      ? spec.startup.initialDelayMs + spec.startup.periodMs * spec.startup.failureThreshold
      : Number.POSITIVE_INFINITY
  )
  const endStartup = pauses.after(bound, () => options.onDeadline(bound))

  const watchLiveness = async (given: ProbeSpec, at: Answering) => {
    if (given.initialDelayMs > 0) await pauses.pause(Math.max(0, given.initialDelayMs - (performance.now() - began)))
    await repeatProbe(given, at, settleMs, spec.traffic, pauses, {
      onSuccess: () => undefined,
      onFailure: () => options.onDead(given)
    })
  }

  const watchReadiness = (given: ProbeSpec, at: Answering) =>
    repeatProbe(given, at, settleMs, spec.traffic, pauses, {
      onSuccess: () => {
        ready = true
      },
      onFailure: () => {
        ready = false
      }
    })

  const watch = async () => {
    const started = spec.startup && (await first(spec.startup, options.ports))
    if (pauses.stopped()) return
    endStartup()
    const left = spec.startDeadlineMs - (performance.now() - began)
    const endDeadline = pauses.after(Math.max(0, left), () => options.onDeadline(spec.startDeadlineMs))
    const at = await first(spec.readiness ?? tcpProbe, started === undefined ? options.ports : [started.port])
    if (at === undefined || pauses.stopped()) return
    // Not earlier: until now the deadline ends a hanging start, and a slow start isn't a failed probe.
    if (spec.liveness) void watchLiveness(spec.liveness, at)
    endDeadline()
    ready = true
    options.onReady(at.host, at.port)
    if (spec.readiness) await watchReadiness(spec.readiness, at)
  }
  void watch()

  return {
    isReady: () => ready && !pauses.stopped(),
    last: () => last,
    stop: pauses.stop
  }
}
