import type { OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Effect, Layer, Schedule, Schema, Stream } from "effect"
import { within } from "../../base/node/monotonic.ts"
import { RemainsError, type Store } from "../../base/words/Remains.ts"
import { LogHistory } from "../../stores/logs/LogHistory.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../kubeApi/kinds.ts"
import { RuntimeStores } from "../port/RuntimeStores.ts"

const decodeNames = Schema.decodeUnknown(
  Schema.Struct({
    items: Schema.Array(Schema.Struct({ metadata: Schema.Struct({ name: Schema.String, uid: Schema.String }) }))
  })
)

/** How long to wait until namespaces are deleted. Their pods finish their requests first. */
const gone = Schedule.spaced("500 millis").pipe(within("5 minutes"))

const failed = (cause: { readonly message: string }) => new RemainsError({ message: cause.message, cause })

/** Namespaces of an organization, found by the organization id in their labels. */
const namespacesStore = (api: KubeApi["Type"]): Store => {
  const list = (organizationId: OrganizationId) =>
    api
      .request({
        method: "GET",
        path: pathOf(kinds.namespace),
        query: { labelSelector: `app.kubernetes.io/managed-by=maxcloud,${label.organizationId}=${organizationId}` }
      })
      .pipe(
        Effect.flatMap(decodeNames),
        Effect.map((found) => found.items.map(({ metadata }) => metadata)),
        Effect.mapError(failed)
      )
  return {
    store: "runtime",
    action: "namespaces deleted, with everything in them",
    count: (organizationId) => Effect.map(list(organizationId), (found) => found.length),
    erase: Effect.fn("kubernetesStores.erase")(function* (organizationId: OrganizationId) {
      for (const { name, uid } of yield* list(organizationId)) {
        yield* api
          .request({
            method: "DELETE",
            path: pathOf(kinds.namespace, undefined, name),
            body: { kind: "DeleteOptions", apiVersion: "v1", preconditions: { uid }, propagationPolicy: "Foreground" }
          })
          .pipe(
            // `conflict`: it is already terminating, or another one has the name by now.
            Effect.catchIf(
              (error) => error.reason === "notFound" || error.reason === "conflict",
              () => Effect.void
            ),
            Effect.mapError(failed)
          )
      }
      const left = yield* Effect.repeat(list(organizationId), {
        schedule: gone,
        until: (each) => each.length === 0
      }).pipe(Effect.andThen(list(organizationId)))
      if (left.length > 0) {
        return yield* new RemainsError({
          message: `The namespaces ${left.map((each) => each.name).join(", ")} still exist: the cluster hasn't removed them yet`
        })
      }
    })
  }
}

/** The cluster's namespaces, and the stored log lines of former instances. */
export const layer = Layer.effect(
  RuntimeStores,
  Effect.gen(function* () {
    const api = yield* KubeApi
    const history = yield* LogHistory
    return {
      stores: [
        namespacesStore(api),
        {
          store: "logs",
          action: history.erasing,
          count: (value) => Effect.mapError(history.count(value), failed),
          erase: (value) => Effect.mapError(history.removeAll(value), failed)
        }
      ],
      linesOfGone: (organizationId, isThere) =>
        Stream.fromIterableEffect(history.services(organizationId)).pipe(
          Stream.filter(({ namespace, service }) => !isThere(namespace, service)),
          Stream.flatMap((key) =>
            history.read(key, {}).pipe(
              Stream.flatMap(Stream.fromIterable),
              Stream.map(({ instance, line, revision, t }) => ({
                namespace: key.namespace,
                service: key.service,
                revision,
                instance,
                at: t,
                line
              }))
            )
          ),
          Stream.mapError(failed)
        )
    }
  })
)
