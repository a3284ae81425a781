import type { InstanceSpec, ProbeSpec } from "./Instance.ts"
import { type ProbeAnswer, type ProbeTarget, probe } from "./probe.ts"
import { speechOf } from "./speech.ts"

export interface HealthOptions {
  readonly spec: Pick<InstanceSpec, "startup" | "readiness" | "liveness" | "startDeadlineMs" | "traffic">
  /** Where to look, in this order; the first that answers is kept. */
  readonly hosts: readonly [string, ...Array<string>]
  /** The port; or, where it isn't known which it is, those that may be, the likeliest first: the first that answers HTTP is kept. */
  readonly ports: readonly [number, ...Array<number>]
  readonly settleMs: number
  /** It answered on this host and port: it is ready for requests. Once. */
  readonly onReady: (host: string, port: number) => void
  /** It did not become ready within `milliseconds`. */
  readonly onDeadline: (milliseconds: number) => void
  /** Its liveness probe failed as often as it may. */
  readonly onDead: (probe: ProbeSpec) => void
}

export interface Health {
  readonly isReady: () => boolean
  /** What the last check in vain came to, before it was ready. */
  readonly last: () => ProbeAnswer | undefined
  readonly stop: () => void
}

const tcpProbe: ProbeSpec = { path: undefined, initialDelayMs: 0, periodMs: 0, timeoutMs: 1_000, failureThreshold: 1 }

// A cold start may cost little more than the program's own: the pause grows with the time already waited, so that what is
// added stays a small part of it, between these bounds.
const shortestPauseMs = 2
const longestPauseMs = 250
const pauseShare = 0.06
/** So long a likelier port of several is waited for once another answers. */
const likelierMs = 1_000

/**
 * Watches one instance: first its startup probe, then its readiness (without a probe a TCP connection), both looked at more
 * often than their period until they first succeed, for a caller waits; then readiness and liveness at their period.
 * Semantics of Kubernetes' probes; a startup probe's threshold and period bound the start together with the deadline.
 */
export const watchHealth = (options: HealthOptions): Health => {
  const { spec, settleMs } = options
  const began = performance.now()
  const timers = new Set<NodeJS.Timeout>()
  let stopped = false
  let ready = false
  let host = options.hosts[0]
  let port = options.ports[0]
  let isChosen = options.ports.length === 1
  let otherAnswersSince: number | undefined

  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        timers.delete(timer)
        resolve()
      }, milliseconds)
      timers.add(timer)
    })
  let last: ProbeAnswer | undefined
  const check = (given: ProbeSpec, on = host, at = port) => {
    const { anyAnswer, path, timeoutMs } = given
    const target: ProbeTarget = { host: on, port: at, path, timeoutMs, settleMs }
    return probe(anyAnswer === undefined ? target : { ...target, anyAnswer })
  }

  const isToBeChosen = async (on: string, at: number, timeoutMs: number) => {
    if ((await speechOf({ host: on, port: at, timeoutMs })).said !== "http") return false
    if (at === options.ports[0]) return true
    otherAnswersSince ??= performance.now()
    return performance.now() - otherAnswersSince >= likelierMs
  }

  const firstSuccess = async (given: ProbeSpec) => {
    const since = performance.now()
    if (given.initialDelayMs > 0) await pause(given.initialDelayMs)
    while (!stopped) {
      let said: ProbeAnswer | undefined
      for (const at of isChosen ? [port] : options.ports)
        for (const candidate of options.hosts) {
          const answer = await check(given, candidate, at)
          if (answer.said === "success" && (isChosen || (await isToBeChosen(candidate, at, given.timeoutMs)))) {
            host = candidate
            port = at
            isChosen = true
            return
          }
          // That nobody listens on one of them says nothing if somebody does on another.
          if (said === undefined || said.said === "refused") said = answer
        }
      last = said
      const waited = performance.now() - since
      await pause(Math.min(longestPauseMs, Math.max(shortestPauseMs, waited * pauseShare)))
    }
  }

  /** A check, unless the program's requests have shown by themselves that it lives; undefined: it can't be said. */
  const checkAlive = async (given: ProbeSpec, answeredBefore: number): Promise<boolean | undefined> => {
    const answers = given.anyAnswer === undefined ? undefined : spec.traffic
    const hasAnswered = () => answers !== undefined && answers.answered() > answeredBefore
    if (hasAnswered()) return true
    const since = performance.now()
    const isSuccess = (await check(given)).said === "success"
    if (isSuccess) answers?.answeredProbe?.(since)
    if (isSuccess || hasAnswered()) return true
    return answers?.isFull(since) === true ? undefined : false
  }

  const repeat = async (given: ProbeSpec, onSuccess: () => void, onFailure: () => void) => {
    let tookMs = 0
    for (let failures = 0; !stopped; ) {
      const answered = spec.traffic?.answered() ?? 0
      // From the begin of one check to that of the next, as on Kubernetes.
      await pause(Math.max(0, given.periodMs - tookMs))
      if (stopped) return
      const since = performance.now()
      const succeeded = await checkAlive(given, answered)
      tookMs = performance.now() - since
      if (stopped) return
      if (succeeded === undefined) continue
      failures = succeeded ? 0 : failures + 1
      if (succeeded) onSuccess()
      else if (failures >= given.failureThreshold) onFailure()
    }
  }

  const bound = Math.min(
    spec.startDeadlineMs,
    spec.startup
      ? spec.startup.initialDelayMs + spec.startup.periodMs * spec.startup.failureThreshold
      : Number.POSITIVE_INFINITY
  )
  const startupTimer = setTimeout(() => options.onDeadline(bound), bound)
  let deadlineTimer: NodeJS.Timeout | undefined

  const watchLiveness = async (given: ProbeSpec) => {
    if (given.initialDelayMs > 0) await pause(Math.max(0, given.initialDelayMs - (performance.now() - began)))
    await repeat(
      given,
      () => undefined,
      () => options.onDead(given)
    )
  }

  const watch = async () => {
    if (spec.startup) await firstSuccess(spec.startup)
    if (stopped) return
    clearTimeout(startupTimer)
    const left = spec.startDeadlineMs - (performance.now() - began)
    deadlineTimer = setTimeout(() => options.onDeadline(spec.startDeadlineMs), Math.max(0, left))
    await firstSuccess(spec.readiness ?? tcpProbe)
    if (stopped) return
    // Not before: until here the deadline ends what hangs, and a slow start is no death.
    if (spec.liveness) void watchLiveness(spec.liveness)
    clearTimeout(deadlineTimer)
    ready = true
    options.onReady(host, port)
    const readiness = spec.readiness
    if (readiness)
      await repeat(
        readiness,
        () => {
          ready = true
        },
        () => {
          ready = false
        }
      )
  }
  void watch()

  return {
    isReady: () => ready && !stopped,
    last: () => last,
    stop: () => {
      stopped = true
      clearTimeout(startupTimer)
      clearTimeout(deadlineTimer)
      // A pause that is cut off never resolves: its loop is garbage then.
      for (const timer of timers) clearTimeout(timer)
    }
  }
}
