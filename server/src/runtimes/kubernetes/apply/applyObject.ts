import type { Manifest } from "@maxcloud/synth"
import { Effect, Either, Option } from "effect"
import type { KubeError } from "../../kubeApi/KubeApi.ts"
import { pathOf } from "../../kubeApi/kinds.ts"
import { type ApplyOptions, type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { Metadata } from "../cache/objects.ts"
import type { Applied } from "./applied.ts"
import type { Requests } from "./binding.ts"
import { getMetadata, metadataIn } from "./lookup.ts"
import { isOurs, managedKinds, metadataOnly, namedOf, type Place } from "./managed.ts"
import { fieldManager } from "./managedFields.ts"
import { nameOf, runtimeErrorOf } from "./refusal.ts"
import { removeForeign } from "./removeForeign.ts"
import { nameTaken } from "./targets.ts"

type ObjectMetadata = typeof Metadata.Type

/** How often to reread an object that changed between our read and our write. */
const looks = 5

/** An object that differs from its manifest. */
export interface Change {
  readonly place: Place
  /** Digest of the manifest; for a pull Secret, of its values too. */
  readonly digest: string
  /** The manifest with the values of a Secret, read each time. */
  readonly filled: Effect.Effect<Manifest, RuntimeError>
}

const write = (
  api: Requests,
  applied: Applied,
  { digest, filled, place }: Change,
  before: ObjectMetadata | undefined,
  options: ApplyOptions
) =>
  Effect.gen(function* () {
    // If the object was absent, a conflict means that somebody else has created it since.
    const force = options.force && before !== undefined
    const { metadata, ...body } = yield* filled
    // The uid identifies the object, so that a replacement created by somebody else is left alone.
    const uid = before === undefined ? {} : { uid: before.uid }
    const answer = yield* api.request({
      method: "PATCH",
      path: pathOf(managedKinds[place.kind], place.namespace, place.name),
      query: { fieldManager, force: String(force) },
      contentType: "application/apply-patch+yaml",
      accept: metadataOnly,
      body: { ...body, metadata: { ...metadata, ...uid } }
    })
    const after = yield* metadataIn(place, answer)
    const last = force ? yield* removeForeign(api, place, after) : after
    applied.record(place, digest, last)
    if (last.deletionTimestamp !== undefined) {
      const message = `${nameOf(namedOf(place))} has been terminating since ${last.deletionTimestamp}. It will be created again once it is gone`
      return yield* new RuntimeError({ reason: "unavailable", message })
    }
  })

/** A precondition failed: the object changed since we read it. A conflict of field managers, by contrast, has causes, unless the object was absent: then we look whose it is. */
const hasChanged = (error: KubeError, before: ObjectMetadata | undefined) =>
  error.reason === "conflict" && (error.causes.length === 0 || before === undefined)

/** Writes an object that is absent or ours. `found`: the existing object, as far as known. */
export const applyObject = (
  api: Requests,
  applied: Applied,
  key: NamespaceKey,
  change: Change,
  found: ObjectMetadata | undefined,
  options: ApplyOptions
): Effect.Effect<void, RuntimeError> =>
  Effect.gen(function* () {
    let before = found
    for (let look = 1; ; look++) {
      if (before !== undefined && !isOurs(before, key)) return yield* nameTaken(change.place, before)
      const outcome = yield* Effect.either(write(api, applied, change, before, options))
      if (Either.isRight(outcome)) return
      const error = outcome.left
      if (error._tag === "RuntimeError") return yield* error
      if (look >= looks || !hasChanged(error, before)) return yield* runtimeErrorOf(api, namedOf(change.place))(error)
      before = Option.getOrUndefined(yield* getMetadata(api, change.place))
    }
  })
