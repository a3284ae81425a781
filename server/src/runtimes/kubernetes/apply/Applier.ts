import { isPullSecret, type Manifest, type ObjectRef } from "@maxcloud/synth"
import { Effect, Option } from "effect"
import { endWithin } from "../../../base/node/endWithin.ts"
import { type ApplyOptions, type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { isOwnKind } from "../cache/cacheMachine.ts"
import { allOrRefusals } from "./allOrRefusals.ts"
import type { Applied } from "./applied.ts"
import { digestOf } from "./appliedObject.ts"
import { applyObject, type Change } from "./applyObject.ts"
import type { Binding, Requests } from "./binding.ts"
import { makeAwaitExternalSecret } from "./externalSecrets.ts"
import { findMetadata } from "./lookup.ts"
import { appliedKindOf, idOf, inSteps, namedOf, type Place, placeOf, type Target } from "./managed.ts"
import { ourNamespace } from "./ourNamespace.ts"
import { runtimeErrorOf } from "./refusal.ts"
import { readingOnce, type ValueSources, withSecretData } from "./secretData.ts"
import { targetsOf } from "./targets.ts"

export interface ApplierOptions extends ValueSources {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  readonly applied: Applied
  readonly bind: Binding["bind"]
}

const changeOf = (key: NamespaceKey, target: Target, sources: ValueSources): Effect.Effect<Change, RuntimeError> => {
  const { manifest, place } = target
  const filled = withSecretData(key, manifest, sources)
  const told = isPullSecret(manifest) ? filled : Effect.succeed(manifest)
  return Effect.map(told, (found) => ({ place, digest: digestOf(found), filled }))
}

const cached = (cache: ClusterCache["Type"], { kind, name, namespace }: Place) =>
  cache.metadataOf(kind, namespace, name)

/** The objects that the cluster no longer has as ours. */
const missingOf = (
  api: Requests,
  cache: ClusterCache["Type"],
  key: NamespaceKey,
  refs: ReadonlyArray<ObjectRef>
): Effect.Effect<ReadonlyArray<ObjectRef>, RuntimeError> =>
  Effect.gen(function* () {
    yield* cache.synced
    const known = refs.flatMap((ref) => {
      const kind = appliedKindOf(ref)
      return kind === undefined || !cache.follows(kind) ? [] : [{ ref, place: placeOf(kind, key.namespace, ref.name) }]
    })
    const listed = known.find(({ place }) => isOwnKind(place.kind))
    if (listed !== undefined) {
      yield* cache.refresh(key.namespace).pipe(
        // Without its namespace or the right to it, nothing of it is known, and everything is applied again.
        Effect.catchIf(
          (error) => error.reason === "forbidden" || error.reason === "notFound",
          () => Effect.void
        ),
        Effect.catchAll(runtimeErrorOf(api, namedOf(listed.place)))
      )
    }
    return known.flatMap(({ place, ref }) => (cached(cache, place) === undefined ? [ref] : []))
  })

/** Applies manifests by server-side apply in steps, and skips objects that haven't changed since the last apply. */
export const makeApplier = ({ api, applied, bind, cache, ...sources }: ApplierOptions) => {
  const awaitExternalSecret = makeAwaitExternalSecret({ api, cache })

  /**
   * Lists what isn't watched, so that a change by somebody else doesn't pass for our own object. If it fails, the objects are
   * looked up or applied again.
   */
  const refreshed = (key: NamespaceKey, places: ReadonlyArray<Place>) =>
    places.some(({ kind }) => isOwnKind(kind) && cache.follows(kind))
      ? Effect.ignore(cache.refresh(key.namespace))
      : Effect.void

  /** The same after writes, also after an interruption: whoever stops or lost the lease doesn't wait for an unreachable cluster. */
  const refreshedAtEnd = (key: NamespaceKey, places: ReadonlyArray<Place>) =>
    Effect.flatMap(api.unreachableSince, (away) => (Option.isSome(away) ? Effect.void : refreshed(key, places))).pipe(
      endWithin("5 seconds")
    )

  const applyStep = (
    key: NamespaceKey,
    step: ReadonlyArray<Target>,
    options: ApplyOptions,
    valueSources: ValueSources
  ) =>
    Effect.gen(function* () {
      yield* refreshed(
        key,
        step.map(({ place }) => place)
      )
      const wanted = yield* Effect.forEach(step, (value) => changeOf(key, value, valueSources))
      const changes = wanted.filter((each) => !applied.isCurrent(each.place, each.digest, cached(cache, each.place)))
      if (changes.length === 0) return
      const places = changes.map((change) => change.place)
      const found = yield* findMetadata(api, cache, places)
      yield* allOrRefusals(changes, (change) =>
        applied.during(
          change.place,
          applyObject(api, applied, key, change, found.get(idOf(change.place)), {
            ...options,
            // Nobody has reverted a change to these yet, as happens at once to those that are watched.
            force: options.force || isOwnKind(change.place.kind)
          })
        )
      ).pipe(Effect.ensuring(refreshedAtEnd(key, places)))
    })

  /** Creates or changes these objects. Fails with all refusals of a step; later steps then don't start. */
  const apply = Effect.fn("Applier.apply")(function* (
    key: NamespaceKey,
    manifests: ReadonlyArray<Manifest>,
    options: ApplyOptions
  ) {
    const targets = yield* targetsOf(key, manifests)
    const namespace = yield* ourNamespace(api, cache, key)
    if (Option.isNone(namespace) && !targets.some((target) => target.place.kind === "namespace")) {
      const message = `Namespace "${key.namespace}" doesn't exist. Its own objects must be applied before those of app "${key.app}"`
      return yield* new RuntimeError({ reason: "unavailable", message })
    }
    const valueSources = readingOnce(sources)
    for (const step of inSteps(targets)) {
      yield* applyStep(key, step, options, valueSources)
      const external = step.filter(({ place }) => place.kind === "externalSecret")
      yield* allOrRefusals(external, awaitExternalSecret)
      const made = step.find(({ place }) => place.kind === "namespace")
      if (made !== undefined) {
        const uid = applied.of(made.place)?.uid ?? ""
        yield* Effect.catchAll(bind(key.namespace, uid, options), runtimeErrorOf(api, namedOf(made.place)))
      }
    }
  })

  return {
    apply,
    missing: (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>) => missingOf(api, cache, key, refs)
  }
}
export type Applier = ReturnType<typeof makeApplier>
