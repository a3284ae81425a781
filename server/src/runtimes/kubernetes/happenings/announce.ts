import { createHash } from "node:crypto"
import { Effect } from "effect"
import type { KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { managedLabel, ownReporter } from "../../kubeApi/systemNames.ts"
import type { Notice } from "../../port/Notice.ts"
import { RuntimeError, type ServiceKey } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"

/** The API server refuses longer messages ("validation.go" of events allows 1,024). */
const longestMessage = 1_000

/** A name's hash is part of the event's, so that a second server's event is the same object. */
const nameOf = (service: string, { id }: Notice) =>
  `${service}.${createHash("sha256").update(id).digest("hex").slice(0, 20)}`

/**
 * Writes an event (core/v1) about a service's Knative Service. Kubernetes deletes it after an hour, unless its administrator changed that.
 * A service that isn't there gets none: until the cache has listed all, nobody knows that, so wait for it.
 */
export const makeAnnounce =
  (api: KubeApi["Type"], cache: ClusterCache["Type"]) =>
  ({ namespace, service }: ServiceKey, notice: Notice): Effect.Effect<void, RuntimeError> =>
    Effect.zipRight(
      cache.synced,
      Effect.suspend(() => {
        const object = cache.service(namespace, service)
        if (object === undefined) return Effect.void
        const { resourceVersion, uid } = object.metadata
        const at = notice.at.toISOString().replace(/\.\d+Z$/, "Z")
        const { apiVersion, kind } = kinds.service
        return api
          .request({
            method: "POST",
            path: pathOf(kinds.event, namespace),
            query: { fieldManager: ownReporter },
            body: {
              apiVersion: kinds.event.apiVersion,
              kind: kinds.event.kind,
              metadata: { name: nameOf(service, notice), namespace, labels: { ...managedLabel } },
              involvedObject: { apiVersion, kind, namespace, name: service, uid, resourceVersion },
              type: notice.severity,
              reason: notice.reason,
              message: notice.message.slice(0, longestMessage),
              firstTimestamp: at,
              lastTimestamp: at,
              count: 1,
              source: { component: ownReporter },
              reportingComponent: ownReporter,
              reportingInstance: ""
            }
          })
          .pipe(
            Effect.asVoid,
            Effect.catchIf(
              ({ reason }) => reason === "alreadyExists" || reason === "notFound",
              () => Effect.void
            ),
            Effect.mapError(
              (cause) =>
                new RuntimeError({
                  reason: cause.reason === "unreachable" || cause.reason === "tooMany" ? "unavailable" : "refused",
                  message:
                    cause.reason === "forbidden"
                      ? `The server may not write Kubernetes events in its namespaces. Run \`maxcloud cluster install\` as the cluster's administrator. (${cause.message})`
                      : `Couldn't write a Kubernetes event: ${cause.message}`,
                  cause
                })
            )
          )
      })
    )
