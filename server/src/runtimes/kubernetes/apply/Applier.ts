import type { AppName } from "@maxcloud/config-schema"
import { diagnosisOf } from "@maxcloud/sdk/api"
import { isPullSecret, label, type Manifest, type ObjectRef } from "@maxcloud/synth"
import { Effect, Either, Option } from "effect"
import type { KubeError } from "../../kubeApi/KubeApi.ts"
import { pathOf } from "../../kubeApi/kinds.ts"
import { type ApplyOptions, type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { Metadata } from "../cache/objects.ts"
import { type Applied, digestOf } from "./applied.ts"
import type { Binding, Requests } from "./binding.ts"
import { makeAwaitExternalSecret } from "./externalSecrets.ts"
import { type Lookup, unreadable } from "./lookup.ts"
import {
  appliedKindOf,
  decodeMetadataObject,
  idOf,
  inSteps,
  isOurs,
  managedKinds,
  metadataOnly,
  namedOf,
  organizationIdLabel,
  ownerOf,
  type Place,
  placeOf,
  type Target
} from "./managed.ts"
import { fieldManager, fieldsOf, foreignFields, ownEntry, removable, removals } from "./managedFields.ts"
import { nameOf, runtimeErrorOf } from "./refusal.ts"
import { type ValueSources, withSecretData } from "./secretData.ts"

type ObjectMetadata = typeof Metadata.Type

/** Objects on their way at a time. */
const concurrency = 24
/** How often an object is looked up again that changed between our look and our write. */
const looks = 5

export interface ApplierOptions extends ValueSources {
  readonly api: Requests
  readonly cache: ClusterCache["Type"]
  readonly lookup: Lookup
  readonly applied: Applied
  readonly bind: Binding["bind"]
}

interface Change extends Target {
  /** Of the manifest; of a pull Secret with its values. */
  readonly digest: string
}

/** Manifests by their places, and the Namespace with the organization's id. */
export const targetsOf = (
  key: NamespaceKey,
  manifests: ReadonlyArray<Manifest>
): Effect.Effect<ReadonlyArray<Target>, RuntimeError> =>
  Effect.forEach(manifests, (manifest) => {
    const kind = appliedKindOf(manifest)
    if (kind === undefined) {
      const message = `${manifest.apiVersion} ${manifest.kind} "${manifest.metadata.name}": objects of this kind are not applied`
      return Effect.fail(new RuntimeError({ reason: "refused", message }))
    }
    const place = placeOf(kind, key.namespace, manifest.metadata.name)
    if (kind !== "namespace") return Effect.succeed({ place, manifest })
    const labels = { ...manifest.metadata.labels, [organizationIdLabel]: key.organizationId }
    return Effect.succeed({ place, manifest: { ...manifest, metadata: { ...manifest.metadata, labels } } })
  })

/** The app that must own an object; undefined for the namespace's own, which every app of the stage applies. */
export const appOf = (app: AppName, { manifest }: Target): AppName | undefined =>
  manifest.metadata.labels?.[label.app] === undefined ? undefined : app

export const nameTaken = (place: Place, metadata: ObjectMetadata): RuntimeError => {
  const owner = ownerOf(metadata)
  const message = `${nameOf(namedOf(place))} exists and is somebody else's: ${owner}. It is not touched`
  return new RuntimeError({ reason: "refused", message, diagnosis: diagnosisOf("NameTaken", message, [owner]) })
}

/** All that was refused as one error. */
const together = (errors: ReadonlyArray<RuntimeError>): RuntimeError | undefined => {
  const [first] = errors
  if (first === undefined || errors.length === 1) return first
  const message = errors.map((_) => _.message).join("; ")
  return new RuntimeError({ reason: "refused", message, diagnosis: first.diagnosis, cause: first.cause })
}

/** Does it for all of a step. Fails with all that was refused. */
const allOrRefusals = <A>(all: ReadonlyArray<A>, each: (one: A) => Effect.Effect<void, RuntimeError>) =>
  Effect.gen(function* () {
    const refusals = yield* Effect.forEach(
      all,
      (one) =>
        each(one).pipe(
          Effect.as(undefined),
          // If one is refused, the others of the step are still applied. If the cluster is unreachable, they would only wait as long.
          Effect.catchAll((error) => (error.reason === "refused" ? Effect.succeed(error) : Effect.fail(error)))
        ),
      { concurrency }
    )
    const error = together(refusals.filter((_) => _ !== undefined))
    if (error !== undefined) return yield* error
  })

/** A precondition failed: what is there is not what was looked at. A conflict of field managers has causes. */
const hasChanged = (error: KubeError) => error.reason === "conflict" && error.causes.length === 0

/** Applies manifests by server-side apply, in steps, and skips what is as the last apply left it. */
export const makeApplier = ({ api, applied, bind, cache, lookup, ...sources }: ApplierOptions) => {
  const failed = ({ place }: Target) => runtimeErrorOf(api, namedOf(place))
  const cached = ({ kind, name, namespace }: Place) => cache.metadataOf(kind, namespace, name)
  const pathTo = ({ place }: Target) => pathOf(managedKinds[place.kind], place.namespace, place.name)

  const awaitExternalSecret = makeAwaitExternalSecret({ api, cache })

  const metadataIn = (place: Place, answer: unknown) =>
    decodeMetadataObject(answer).pipe(
      Effect.mapBoth({ onFailure: unreadable(namedOf(place)), onSuccess: ({ metadata }) => metadata })
    )

  const changeOf = (key: NamespaceKey, app: AppName, target: Target): Effect.Effect<Change, RuntimeError> =>
    isPullSecret(target.manifest)
      ? Effect.map(withSecretData(key, app, target.manifest, sources), (manifest) => ({
          ...target,
          manifest,
          digest: digestOf(manifest)
        }))
      : Effect.succeed({ ...target, digest: digestOf(target.manifest) })

  /**
   * Removes what others have added to an object where all is ours: from the version that was read, so that nothing goes that was not
   * seen. A controller may write its status in between: then it is read again.
   */
  const removeForeign = (change: Change, after: ObjectMetadata) =>
    Effect.gen(function* () {
      const { kind } = managedKinds[change.place.kind]
      if (foreignFields(kind, after.managedFields).length === 0) return after
      for (let look = 1; ; look++) {
        const object = yield* api.request({ method: "GET", path: pathTo(change) })
        const metadata = yield* metadataIn(change.place, object)
        const own = ownEntry(metadata.managedFields)
        const foreign = foreignFields(kind, metadata.managedFields).flatMap((_) => _.fields)
        const fields = removable(foreign, own === undefined ? [] : fieldsOf(own.fieldsV1))
        const operations = removals(object, metadata.resourceVersion, fields)
        if (operations.length === 1) return metadata
        const outcome = yield* Effect.either(
          api.request({
            method: "PATCH",
            path: pathTo(change),
            query: { fieldManager },
            contentType: "application/json-patch+json",
            accept: metadataOnly,
            body: operations
          })
        )
        if (Either.isRight(outcome)) return yield* metadataIn(change.place, outcome.right)
        const { left } = outcome
        // A failed `test` is answered 422, as a refusal of what is left would be.
        if (look >= looks || (left.status !== 422 && left.reason !== "conflict")) return yield* left
      }
    })

  const write = (
    key: NamespaceKey,
    app: AppName,
    change: Change,
    before: ObjectMetadata | undefined,
    { force }: ApplyOptions
  ) =>
    Effect.gen(function* () {
      const { metadata, ...body } = yield* withSecretData(key, app, change.manifest, sources)
      // The uid says which object is meant: one that another has put in its place since is left alone.
      const uid = before === undefined ? {} : { uid: before.uid }
      const answer = yield* api.request({
        method: "PATCH",
        path: pathTo(change),
        query: { fieldManager, force: String(force) },
        contentType: "application/apply-patch+yaml",
        accept: metadataOnly,
        body: { ...body, metadata: { ...metadata, ...uid } }
      })
      const after = yield* metadataIn(change.place, answer)
      const last = force ? yield* removeForeign(change, after) : after
      applied.record(change.place, appOf(app, change) ?? null, change.digest, last)
      if (last.deletionTimestamp !== undefined) {
        const message = `${nameOf(namedOf(change.place))} is being deleted since ${last.deletionTimestamp}; it is made again once it is gone`
        return yield* new RuntimeError({ reason: "unavailable", message })
      }
    })

  const applyOne = (
    key: NamespaceKey,
    app: AppName,
    change: Change,
    found: ObjectMetadata | undefined,
    options: ApplyOptions
  ): Effect.Effect<void, RuntimeError> =>
    Effect.gen(function* () {
      let before = found
      for (let look = 1; ; look++) {
        if (before !== undefined && !isOurs(before, key, appOf(app, change))) {
          return yield* nameTaken(change.place, before)
        }
        const outcome = yield* Effect.either(write(key, app, change, before, options))
        if (Either.isRight(outcome)) return
        const error = outcome.left
        if (error._tag === "RuntimeError") return yield* error
        if (look >= looks || !hasChanged(error)) return yield* failed(change)(error)
        before = Option.getOrUndefined(yield* lookup.get(change.place))
      }
    })

  const applyStep = (key: NamespaceKey, app: AppName, step: ReadonlyArray<Target>, options: ApplyOptions) =>
    Effect.gen(function* () {
      const changes: Array<Change> = []
      for (const target of step) {
        const change = yield* changeOf(key, app, target)
        if (!applied.isCurrent(change.place, change.digest, cached(change.place))) changes.push(change)
      }
      if (changes.length === 0) return
      const found = yield* lookup.find(changes.map((_) => _.place))
      yield* allOrRefusals(changes, (change) =>
        applied.during(change.place, applyOne(key, app, change, found.get(idOf(change.place)), options))
      )
    })

  /** Creates or changes these objects. Fails with all that a step refuses; the steps after it are then not begun. */
  const apply = Effect.fn("Applier.apply")(function* (
    key: NamespaceKey,
    app: AppName,
    manifests: ReadonlyArray<Manifest>,
    options: ApplyOptions
  ) {
    const targets = yield* targetsOf(key, manifests)
    const namespace = yield* lookup.namespaceOf(key)
    if (Option.isNone(namespace) && !targets.some((_) => _.place.kind === "namespace")) {
      const message = `Namespace "${key.namespace}" does not exist: its own objects must be applied before those of app "${app}"`
      return yield* new RuntimeError({ reason: "unavailable", message })
    }
    for (const step of inSteps(targets)) {
      yield* applyStep(key, app, step, options)
      const external = step.filter(({ place }) => place.kind === "externalSecret")
      yield* allOrRefusals(external, awaitExternalSecret)
      const made = step.find(({ place }) => place.kind === "namespace")
      if (made !== undefined) {
        const uid = applied.of(made.place)?.uid ?? ""
        yield* Effect.catchAll(bind(key.namespace, uid, options), failed(made))
      }
    }
  })

  /** Those that the cluster does not have as ours any more. */
  const missing = (key: NamespaceKey, refs: ReadonlyArray<ObjectRef>): Effect.Effect<ReadonlyArray<ObjectRef>> =>
    Effect.map(cache.synced, () =>
      refs.filter((ref) => {
        const kind = appliedKindOf(ref)
        return kind !== undefined && cache.follows(kind) && cached(placeOf(kind, key.namespace, ref.name)) === undefined
      })
    )

  return { apply, missing }
}
export type Applier = ReturnType<typeof makeApplier>
