import { diagnosisOf } from "@maxcloud/sdk/api"
import { Effect, Option, Schema } from "effect"
import { pathOf } from "../../kubeApi/kinds.ts"
import { type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import { KubeCondition, type Metadata } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { getMetadata } from "./lookup.ts"
import { isOurNamespace, managedKinds, namedOf, ownerOf, placeOf } from "./managed.ts"
import { nameOf } from "./refusal.ts"

const decodeStatus = Schema.decodeUnknownOption(
  Schema.Struct({
    status: Schema.Struct({ conditions: Schema.optionalWith(Schema.Array(KubeCondition), { default: () => [] }) })
  })
)

/** Why a terminating namespace still exists (Kubernetes, NamespaceConditionType). */
const heldBy = (api: Requests, name: string) =>
  api.request({ method: "GET", path: pathOf(managedKinds.namespace, undefined, name) }).pipe(
    Effect.map((object) =>
      Option.match(decodeStatus(object), {
        onNone: () => [],
        onSome: ({ status }) =>
          status.conditions
            .filter((condition) => condition.status === "True")
            .map((condition) => `${condition.type}: ${condition.message}`)
      })
    ),
    Effect.orElseSucceed((): ReadonlyArray<string> => [])
  )

/** Finds our namespace. None if it doesn't exist. Fails if it belongs to somebody else, or is terminating. */
export const ourNamespace = (
  api: Requests,
  cache: ClusterCache["Type"],
  key: NamespaceKey
): Effect.Effect<Option.Option<typeof Metadata.Type>, RuntimeError> =>
  Effect.gen(function* () {
    const place = placeOf("namespace", "", key.namespace)
    const known = Option.fromNullable(cache.namespace(key.namespace))
    const metadata = Option.isSome(known) ? known : yield* getMetadata(api, place)
    if (Option.isNone(metadata)) return metadata
    if (!isOurNamespace(metadata.value, key)) {
      const owner = ownerOf(metadata.value)
      const message = `${nameOf(namedOf(place))} exists but doesn't belong to organization "${key.organization}" (${key.organizationId}): ${owner}. It wasn't changed`
      const diagnosis = diagnosisOf("NameTaken", message, [owner])
      return yield* new RuntimeError({ reason: "refused", message, diagnosis })
    }
    if (metadata.value.deletionTimestamp !== undefined) {
      const held = yield* heldBy(api, key.namespace)
      const why = held.length === 0 ? "" : ` (${held.join("; ")})`
      const message = `${nameOf(namedOf(place))} has been terminating since ${metadata.value.deletionTimestamp}. Waiting until it is gone${why}`
      const diagnosis = diagnosisOf("NamespaceTerminating", message, held)
      return yield* new RuntimeError({ reason: "unavailable", message, diagnosis })
    }
    return metadata
  })
