import { Deferred, Effect, Exit } from "effect"
import { memoryText } from "../../../../base/words/bytesText.ts"
import { endDiagnosis, endedFromOutside, howItEnded, outOfMemory } from "../../../diagnosis/endDiagnosis.ts"
import { failedBy, type Instance, type InstanceExit, InstanceFailed, type InstanceSpec } from "../Instance.ts"
import { cannotLaunch, type Ended, type Launched, toFailure } from "../Launched.ts"
import { lookInto } from "./findings.ts"
import { fail, goOnWith, isPending, makeSupervised, type Supervised, watch } from "./Supervised.ts"

const launches = 3

const stopped = new InstanceFailed({
  reason: "Stopped",
  message: "The instance was stopped before it was ready.",
  retryable: true
})

/** Why an instance ended before it was ready. */
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

/** Waits for the end of a launch with all its children. */
const runOnce = async (instance: Supervised): Promise<{ readonly ended: Ended; readonly ranMs: number }> => {
  const { current, spec } = instance
  const health = watch(instance)
  instance.health = health
  const launchedAt = performance.now()
  const endLooks = lookInto({
    spec,
    launched: current,
    lastAnswer: health.last,
    isPending: () => isPending(instance)
  })
  const ended = await current.ended
  const ranMs = performance.now() - launchedAt
  endLooks()
  health.stop()
  await current.stop(instance.wanted ? 0 : spec.graceMs)
  return { ended, ranMs }
}

const run = async (
  instance: Supervised,
  launch: () => Promise<Launched>,
  afterEnd: () => Promise<void>
): Promise<void> => {
  const { exited, spec } = instance
  for (let count = 1; ; count++) {
    const { ended, ranMs } = await runOnce(instance)
    if (ended.again && isPending(instance) && count < launches) {
      try {
        goOnWith(instance, await launch())
        // Told to stop during the second launch.
        if (instance.wanted) void instance.current.stop(spec.graceMs)
        continue
      } catch (cause) {
        fail(instance, toFailure(cause))
      }
    }
    await afterEnd().catch(() => undefined)
    const { current, dead, wanted } = instance
    fail(instance, wanted ? stopped : endedEarly(ended, spec, current.of, ranMs))
    const { code, signal, outOfMemory, outside } = ended
    Deferred.unsafeDone(exited, Exit.succeed({ code, signal, outOfMemory, wanted, outside, dead }))
    return
  }
}

/**
 * Supervises what `launch` launches: readiness, liveness, deadline, exit. `afterEnd` runs once nothing of it is left. When this
 * returns, the first launch has been made.
 */
export const supervise = async (
  spec: InstanceSpec,
  launch: () => Promise<Launched>,
  afterEnd: () => Promise<void>,
  resolvedImage?: string
): Promise<Instance> => {
  const instance = makeSupervised(spec, await launch())
  const { exited, ready } = instance
  // For waiters, an instance that can't be stopped or inspected counts as ended; otherwise they would wait forever.
  void run(instance, launch, afterEnd).catch((cause) => {
    fail(instance, cannotLaunch(cause))
    const exit: InstanceExit = { code: null, signal: null, outOfMemory: false, wanted: instance.wanted }
    Deferred.unsafeDone(exited, Exit.succeed(exit))
  })

  return {
    id: spec.id,
    of: instance.current.of,
    get host() {
      return instance.host
    },
    get port() {
      return instance.port
    },
    get published() {
      return instance.current.published ?? []
    },
    ...(resolvedImage === undefined ? {} : { resolvedImage }),
    ready,
    exited,
    isReady: () => instance.health?.isReady() ?? false,
    exec: (request) => instance.current.exec(request),
    stop: Effect.suspend(() => {
      instance.wanted = true
      void instance.current.stop(spec.graceMs)
      return Effect.asVoid(Deferred.await(exited))
    })
  }
}
