import type { ServiceName } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import type { NamespaceKey, RuntimeError } from "../../port/Runtime.ts"
import { KnativeServiceObject, type Metadata } from "../cache/objects.ts"
import type { Requests } from "./binding.ts"
import { unreadable } from "./lookup.ts"
import { namedOf, placeOf } from "./managed.ts"
import { fieldsOf, isTrafficField, trafficManager } from "./managedFields.ts"
import { runtimeErrorOf } from "./refusal.ts"

const decode = Schema.decodeUnknown(KnativeServiceObject)

/** Are its requests pinned because a deployment of it failed? */
export const isHeld = ({ managedFields }: Pick<typeof Metadata.Type, "managedFields">): boolean =>
  managedFields.some(
    (managedField) =>
      managedField.manager === trafficManager &&
      managedField.operation === "Apply" &&
      fieldsOf(managedField.fieldsV1).some(isTrafficField)
  )

/** A name that no revision has: Knative's names end in a number. */
const noRevision = (service: string) => `${service}-none`

/**
 * The revision that keeps a service's requests when its newest revision has failed: the one that receives them now. Undefined if
 * the newest one receives them, or if they are already pinned.
 */
export const heldTarget = (name: string, { metadata, status }: KnativeServiceObject): string | undefined => {
  const { latestCreatedRevisionName: newest, latestReadyRevisionName: ready } = status
  const live = status.traffic.filter((each) => each.percent > 0 && each.revisionName !== "")
  if (isHeld(metadata) || live.some((each) => each.revisionName === newest)) return undefined
  return live[0]?.revisionName ?? (ready !== "" && ready !== newest ? ready : noRevision(name))
}

/**
 * Knative routes requests to the newest revision as soon as it is ready. After a failed deployment, `spec.traffic` names the
 * revision that receives the requests. A separate field manager writes it, so later applies don't change it until it is released.
 */
export const makeTraffic = (api: Requests) => {
  const write = (key: NamespaceKey, service: ServiceName, spec: Readonly<Record<string, unknown>>) => {
    const { apiVersion, kind } = kinds.service
    return api.request({
      method: "PATCH",
      path: pathOf(kinds.service, key.namespace, service),
      query: { fieldManager: trafficManager, force: "true" },
      contentType: "application/apply-patch+yaml",
      body: { apiVersion, kind, metadata: { name: service, namespace: key.namespace }, ...spec }
    })
  }
  const each = (
    services: ReadonlyArray<ServiceName>,
    change: (service: ServiceName) => Effect.Effect<unknown, RuntimeError>
  ): Effect.Effect<void, RuntimeError> => Effect.forEach(services, change, { concurrency: 8, discard: true })

  const failed = (key: NamespaceKey, service: ServiceName) =>
    runtimeErrorOf(api, namedOf(placeOf("service", key.namespace, service)))

  return {
    abandon: (key: NamespaceKey, services: ReadonlyArray<ServiceName>) =>
      each(services, (service) =>
        Effect.gen(function* () {
          const path = pathOf(kinds.service, key.namespace, service)
          // Don't use the cache: the revision may have become ready a moment ago.
          const found = yield* api.request({ method: "GET", path }).pipe(
            Effect.catchIf(
              (error) => error.reason === "notFound",
              () => Effect.succeed(undefined)
            ),
            Effect.catchTag("KubeError", (error) => failed(key, service)(error))
          )
          if (found === undefined) return
          const object = yield* Effect.mapError(
            decode(found),
            unreadable(namedOf(placeOf("service", key.namespace, service)))
          )
          const target = heldTarget(service, object)
          if (target === undefined) return
          yield* write(key, service, { spec: { traffic: [{ revisionName: target, percent: 100 }] } }).pipe(
            Effect.catchTag("KubeError", (error) => failed(key, service)(error))
          )
        })
      ),
    /** Lets the newest revision receive requests. */
    release: (key: NamespaceKey, services: ReadonlyArray<ServiceName>) =>
      each(services, (service) =>
        Effect.catchTag(write(key, service, {}), "KubeError", (error) => failed(key, service)(error))
      )
  }
}
