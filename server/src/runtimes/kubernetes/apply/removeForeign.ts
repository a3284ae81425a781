import { Effect, Either } from "effect"
import { pathOf } from "../../kubeApi/kinds.ts"
import type { Metadata } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { metadataIn } from "./lookup.ts"
import { managedKinds, metadataOnly, type Place } from "./managed.ts"
import { fieldManager, fieldsOf, foreignFields, ownEntry, removable, removals } from "./managedFields.ts"

/** How often to reread an object that changed between our read and our write. */
const looks = 5

/**
 * Removes what others have added to an object that is entirely ours. It removes from the version it has read, so that nothing
 * unseen is removed. If a controller writes the status in between, it reads again.
 */
export const removeForeign = (api: Requests, place: Place, after: typeof Metadata.Type) =>
  Effect.gen(function* () {
    const { kind } = managedKinds[place.kind]
    const path = pathOf(managedKinds[place.kind], place.namespace, place.name)
    if (foreignFields(kind, after.managedFields).length === 0) return after
    for (let look = 1; ; look++) {
      const object = yield* api.request({ method: "GET", path })
      const metadata = yield* metadataIn(place, object)
      const own = ownEntry(metadata.managedFields)
      const foreign = foreignFields(kind, metadata.managedFields).flatMap((foreignField) => foreignField.fields)
      const fields = removable(foreign, own === undefined ? [] : fieldsOf(own.fieldsV1))
      const operations = removals(object, metadata.resourceVersion, fields)
      if (operations.length === 1) return metadata
      const outcome = yield* Effect.either(
        api.request({
          method: "PATCH",
          path,
          query: { fieldManager },
          contentType: "application/json-patch+json",
          accept: metadataOnly,
          body: operations
        })
      )
      if (Either.isRight(outcome)) return yield* metadataIn(place, outcome.right)
      const { left } = outcome
      // A failed `test` is answered 422, just like a refusal of the result.
      if (look >= looks || (left.status !== 422 && left.reason !== "conflict")) return yield* left
    }
  })
