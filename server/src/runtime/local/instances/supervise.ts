import { Deferred, Effect, Exit, FiberId } from "effect"
import { watchHealth } from "./health.ts"
import { type Instance, type InstanceExit, InstanceFailed, type InstanceSpec } from "./Instance.ts"

/** How a process or container ended, told after its last output. */
export interface Ended extends Omit<InstanceExit, "wanted"> {
  /** Why it never ran, where that is not its own fault but the machine's or the engine's. */
  readonly failure?: InstanceFailed
  /** Would it be worth it to launch it once more at once (its port was taken meanwhile, a limit was refused)? */
  readonly again?: boolean
}

/** One process or container, launched once. */
export interface Launched {
  readonly hosts: readonly [string, ...Array<string>]
  readonly port: number
  readonly settleMs: number
  readonly ended: Promise<Ended>
  /** SIGTERM, the grace time, SIGKILL; settled when it has ended with all that it started. Safe to be called twice. */
  readonly stop: (graceMs: number) => Promise<void>
  /** Looks for why it does not become ready; undefined where nothing is found. */
  readonly explain: () => Promise<InstanceFailed | undefined>
}

const launches = 3
/** The deadline may be minutes away; what can be seen to be wrong is said after this time already. */
const hintAfterMs = 3_000

const seconds = (milliseconds: number) => `${Math.round(milliseconds / 100) / 10} s`

/** Why an instance that ended before it was ready did so, in Kubernetes' words where it has them. */
const endedEarly = (ended: Ended): InstanceFailed => {
  if (ended.failure) return ended.failure
  const how = ended.signal === null ? `with exit code ${ended.code}` : `by ${ended.signal}`
  if (ended.outOfMemory)
    return new InstanceFailed({
      reason: "OutOfMemory",
      message: `It ran out of memory before it was ready (ended ${how}). Give it more memory.`,
      retryable: true
    })
  if (ended.signal !== null || (ended.code ?? 0) > 128)
    return new InstanceFailed({
      reason: "Killed",
      message: `It was ended ${how} before it was ready.`,
      retryable: true
    })
  return new InstanceFailed({
    reason: `ExitCode${ended.code}`,
    message: `It ended ${how} before it was ready. Its log tells why.`,
    retryable: true
  })
}

const notReady = (spec: InstanceSpec, milliseconds: number): InstanceFailed => {
  const given = spec.startup ?? spec.readiness
  const what =
    given?.path === undefined ? "accepted no connection on its port" : `did not answer ${given.path} with 200-399`
  return new InstanceFailed({
    reason: "ProbeFailed",
    message: `It ${what} within ${seconds(milliseconds)}. It has to listen on the port given by PORT, on all addresses.`,
    retryable: true
  })
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
  let wanted = false
  let gaveUp = false
  let wasReady = false
  let health: { readonly isReady: () => boolean; readonly stop: () => void } | undefined

  const fail = (failure: InstanceFailed) => Deferred.unsafeDone(ready, Exit.fail(failure))
  const giveUp = (failure: InstanceFailed) => {
    gaveUp = true
    health?.stop()
    fail(failure)
    void current.stop(spec.graceMs)
  }

  const watch = () =>
    watchHealth({
      spec,
      hosts: current.hosts,
      port: current.port,
      settleMs: current.settleMs,
      onReady: (answering) => {
        host = answering
        wasReady = true
        Deferred.unsafeDone(ready, Exit.void)
      },
      onDeadline: (milliseconds) => {
        gaveUp = true
        void current
          .explain()
          .catch(() => undefined)
          .then((found) => giveUp(found ?? notReady(spec, milliseconds)))
      },
      onDead: (given) => {
        spec.onSystem?.(
          `Liveness probe failed ${given.failureThreshold} times${given.path === undefined ? "" : ` on ${given.path}`}: it is ended.`
        )
        giveUp(new InstanceFailed({ reason: "LivenessFailed", message: "Its liveness probe failed.", retryable: true }))
      }
    })

  const run = async () => {
    for (let count = 1; ; count++) {
      health = watch()
      const { explain } = current
      const hint = setTimeout(async () => {
        const found = wasReady ? undefined : await explain().catch(() => undefined)
        if (found && !wasReady && !gaveUp) spec.onSystem?.(`Not ready yet: ${found.message}`)
      }, hintAfterMs)
      const ended = await current.ended
      clearTimeout(hint)
      health.stop()
      await current.stop(wanted ? 0 : spec.graceMs)
      if (ended.again && !wanted && !gaveUp && !wasReady && count < launches) {
        try {
          current = await launch()
          host = current.hosts[0]
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
          : endedEarly(ended)
      )
      const { code, signal, outOfMemory } = ended
      Deferred.unsafeDone(exited, Exit.succeed({ code, signal, outOfMemory, wanted }))
      return
    }
  }
  void run()

  return {
    id: spec.id,
    get host() {
      return host
    },
    get port() {
      return current.port
    },
    ...(resolvedImage === undefined ? {} : { resolvedImage }),
    ready,
    exited,
    isReady: () => health?.isReady() ?? false,
    stop: Effect.suspend(() => {
      wanted = true
      void current.stop(spec.graceMs)
      return Effect.asVoid(Deferred.await(exited))
    })
  }
}

/** What has to be said when the machine refuses to launch anything. */
export const cannotLaunch = (cause: unknown): InstanceFailed =>
  new InstanceFailed({
    reason: "CannotStart",
    message: `It could not be started: ${cause instanceof Error ? cause.message : String(cause)}`,
    retryable: true
  })
