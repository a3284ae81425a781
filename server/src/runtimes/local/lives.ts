import { Deferred, Effect, PubSub, Stream } from "effect"
import type { InstanceRecord, ServiceKey } from "../port/Runtime.ts"
import type { Instances } from "./instances/Instance.ts"
import type { RunnableRevision } from "./objects/ServiceObject.ts"

/** The service whose instances are started. */
interface Owner {
  readonly key: ServiceKey
  readonly revision: RunnableRevision
}

/** The lifetimes of instances, from launch to end, for usage. */
export interface Lives {
  /** `Instances` that records the lifetimes of what it starts. */
  readonly noting: (instances: typeof Instances.Service, owner: Owner) => typeof Instances.Service
  /** Records of the running instances, then of each start and end. */
  readonly records: Stream.Stream<InstanceRecord>
}

export const makeLives: Effect.Effect<Lives> = Effect.map(PubSub.unbounded<InstanceRecord>(), (told): Lives => {
  const running = new Map<string, InstanceRecord>()
  return {
    noting: (instances, { key, revision }) => ({
      ...instances,
      start: (spec) =>
        Effect.tap(instances.start(spec), ({ exited, id }) => {
          const { cpuMilli, memoryBytes } = revision.template
          const life: InstanceRecord = {
            uid: id,
            key,
            revision: revision.name,
            instance: id,
            startedAt: new Date(),
            endedAt: null,
            cpuMilli,
            memoryBytes
          }
          running.set(id, life)
          const over = Effect.suspend(() => {
            running.delete(id)
            return PubSub.publish(told, { ...life, endedAt: new Date() })
          })
          return PubSub.publish(told, life).pipe(
            Effect.andThen(Effect.forkDaemon(Effect.andThen(Deferred.await(exited), over)))
          )
        })
    }),
    records: Stream.unwrapScoped(
      // Subscribe before looking at what runs: reporting a lifetime twice does no harm.
      Effect.map(PubSub.subscribe(told), (later) =>
        Stream.concat(Stream.fromIterable([...running.values()]), Stream.fromQueue(later))
      )
    )
  }
})
