import { longestFieldPath, mostLeftAlone } from "@maxcloud/sdk/api"
import { Effect, Option } from "effect"
import { type ForeignField, type ForeignFields, type NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { ManagedFields, Metadata } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { getMetadata, listMetadata } from "./lookup.ts"
import { type AppliedKind, isOurNamespace, isOurs, managedKinds, placeOf } from "./managed.ts"
import { allowedFields, textOf } from "./managedFields.ts"

/** How many objects of a kind to look at. */
const mostObjects = 500
/** A reader waits for it. */
const patience = "10 seconds"

const kindNames: ReadonlyArray<Exclude<AppliedKind, "namespace">> = [
  "service",
  "configMap",
  "podDisruptionBudget",
  "serviceAccount",
  "secret",
  "externalSecret",
  "networkPolicy",
  "resourceQuota",
  "limitRange"
]

const shortened = (path: string) => (path.length <= longestFieldPath ? path : `${path.slice(0, longestFieldPath - 1)}…`)

const timeIn = (text: string): Date | null => {
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : new Date(at)
}

type ObjectMetadata = Pick<typeof Metadata.Type, "name"> & { readonly managedFields: ReadonlyArray<ManagedFields> }

const leftAloneOn = (kind: AppliedKind, { managedFields, name }: ObjectMetadata): ReadonlyArray<ForeignField> => {
  const { apiVersion, kind: written } = managedKinds[kind]
  return allowedFields(written, managedFields).flatMap(({ fields, manager, time }) =>
    fields
      .map((field) => shortened(textOf(field)))
      .sort()
      .map((path) => ({ object: { apiVersion, kind: written, name }, path, manager, since: timeIn(time) }))
  )
}

/**
 * Lists what others added to a namespace's objects and we don't revert. Asks the API server, because Secrets in the cache may be
 * a minute old. Only metadata is transferred, and `managedFields` contain no values.
 */
export const makeLeftAlone =
  (api: Requests, cache: Pick<ClusterCache["Type"], "follows">) =>
  (key: NamespaceKey): Effect.Effect<ForeignFields, RuntimeError> =>
    Effect.gen(function* () {
      const around = Option.filter(yield* getMetadata(api, placeOf("namespace", "", key.namespace)), (found) =>
        isOurNamespace(found, key)
      )
      // Not created yet, or somebody else's: nothing in it is ours.
      if (Option.isNone(around)) return { fields: [], complete: true }
      const lists = yield* Effect.forEach(
        kindNames.filter((kind) => cache.follows(kind)),
        (kind) =>
          Effect.map(
            listMetadata(api, managedKinds[kind], key.namespace, { limit: `${mostObjects}` }),
            (objects) => [kind, objects] as const
          ),
        { concurrency: 4 }
      )
      const fields = [
        ...leftAloneOn("namespace", around.value),
        ...lists.flatMap(([kind, objects]) =>
          objects.filter((object) => isOurs(object, key)).flatMap((object) => leftAloneOn(kind, object))
        )
      ]
      const complete = fields.length <= mostLeftAlone && lists.every(([, { length }]) => length < mostObjects)
      return { fields: fields.slice(0, mostLeftAlone), complete }
    }).pipe(
      Effect.timeoutFail({
        duration: patience,
        onTimeout: () =>
          new RuntimeError({
            reason: "unavailable",
            message: `The cluster didn't list the objects of the namespace "${key.namespace}" within ${patience}. Try again.`
          })
      })
    )
