import { Deferred, Effect, PubSub, Stream } from "effect"
import { parseImageName } from "../../base/words/imageName.ts"
import type { Happening } from "../port/Happening.ts"
import type { InstanceRecord, ServiceKey } from "../port/Runtime.ts"
import type { InstanceExit, InstanceSpec, Instances } from "./instances/Instance.ts"
import type { RunnableRevision } from "./objects/ServiceObject.ts"

/** The service whose instances are started. */
interface Owner {
  readonly key: ServiceKey
  readonly revision: RunnableRevision
}

/** The lifetimes of instances, from launch to end, for usage, and what happens to them. */
export interface Lives {
  /** `Instances` that records the lifetimes of what it starts. */
  readonly noting: (instances: typeof Instances.Service, owner: Owner) => typeof Instances.Service
  /** Records of the running instances, then of each start and end. */
  readonly records: Stream.Stream<InstanceRecord>
  readonly happenings: Stream.Stream<Happening>
}

const restartOf = ({ key, revision }: Owner, instance: string, { code, outOfMemory }: InstanceExit): Happening => ({
  type: "instance.restarted",
  key,
  id: `${instance}/ended`,
  at: new Date(),
  facts: {
    revision: revision.name,
    instance,
    reason: outOfMemory ? "OutOfMemory" : code === 0 ? "Exited" : "Failed",
    exitCode: code
  }
})

type Pull = Parameters<NonNullable<InstanceSpec["onPulled"]>>[0]

const pullOf = ({ key, revision }: Owner, instance: string, { imageId, milliseconds }: Pull): Happening => {
  const { program } = revision.template
  const written = program.kind === "image" ? program.image : ""
  const name = parseImageName(written)
  return {
    type: "image.pulled",
    key,
    id: `${instance}/pulled`,
    at: new Date(),
    facts: {
      revision: revision.name,
      image: name === undefined ? (written.split("@", 1)[0] ?? "") : `${name.registry}/${name.repository}`,
      digest: name?.digest ?? imageId,
      milliseconds
    }
  }
}

export const makeLives: Effect.Effect<Lives> = Effect.gen(function* () {
  const told = yield* PubSub.unbounded<InstanceRecord>()
  const happened = yield* PubSub.unbounded<Happening>()
  const running = new Map<string, InstanceRecord>()

  const noteLife = (owner: Owner, id: string, exited: Deferred.Deferred<InstanceExit>) => {
    const { cpuMilli, memoryBytes } = owner.revision.template
    const life: InstanceRecord = {
      uid: id,
      key: owner.key,
      revision: owner.revision.name,
      instance: id,
      startedAt: new Date(),
      endedAt: null,
      cpuMilli,
      memoryBytes
    }
    running.set(id, life)
    const over = (exit: InstanceExit) =>
      Effect.gen(function* () {
        running.delete(id)
        yield* PubSub.publish(told, { ...life, endedAt: new Date() })
        if (!exit.wanted) yield* PubSub.publish(happened, restartOf(owner, id, exit))
      })
    return PubSub.publish(told, life).pipe(
      Effect.andThen(Effect.forkDaemon(Effect.flatMap(Deferred.await(exited), over)))
    )
  }

  return {
    noting: (instances, owner) => ({
      ...instances,
      start: (spec) =>
        Effect.tap(
          instances.start({
            ...spec,
            onPulled: (pull) => void happened.unsafeOffer(pullOf(owner, spec.id, pull))
          }),
          ({ exited, id }) => noteLife(owner, id, exited)
        )
    }),
    records: Stream.unwrapScoped(
      // Subscribe before looking at what runs: reporting a lifetime twice does no harm.
      Effect.map(PubSub.subscribe(told), (later) =>
        Stream.concat(Stream.fromIterable([...running.values()]), Stream.fromQueue(later))
      )
    ),
    happenings: Stream.fromPubSub(happened)
  }
})
