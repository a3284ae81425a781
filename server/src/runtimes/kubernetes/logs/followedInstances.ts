import { OrganizationId } from "@maxcloud/sdk/api"
import { label } from "@maxcloud/synth"
import { Effect, FiberMap, Option, Schema } from "effect"
import type { HistoryKey } from "../../../stores/logs/LogHistory.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"

const organizationIdOf = Schema.decodeUnknownOption(OrganizationId)

/** The instances of organizations that `owns` accepts, each with one fiber that collects its lines. */
export const makeFollowedInstances = (
  cache: ClusterCache["Type"],
  owns: (organizationId: string) => boolean,
  collect: (pod: PodObject, key: HistoryKey) => Effect.Effect<void>
) =>
  Effect.gen(function* () {
    const fibers = yield* FiberMap.make<string>()
    const fork = yield* FiberMap.runtime(fibers)<never>()
    /** Instances that are followed, or about to be. */
    const begun = new Map<string, OrganizationId>()

    const begin = (pod: PodObject) => {
      const { labels, namespace, uid } = pod.metadata
      const service = labels[label.service]
      const organization = organizationIdOf(cache.namespace(namespace)?.labels[label.organizationId])
      if (service === undefined || Option.isNone(organization) || begun.has(uid) || !owns(organization.value)) return
      begun.set(uid, organization.value)
      fork(
        uid,
        Effect.ensuring(
          collect(pod, { organizationId: organization.value, namespace, service }),
          Effect.sync(() => begun.delete(uid))
        )
      )
    }

    return {
      isFollowed: (uid: string) => begun.has(uid),
      begin,
      beginAll: Effect.sync(() => {
        for (const pod of cache.pods()) begin(pod)
      }),
      /** Stops following instances of organizations that are no longer ours. */
      leave: Effect.gen(function* () {
        for (const [uid, organizationId] of begun) {
          if (!owns(organizationId)) yield* FiberMap.remove(fibers, uid)
        }
      })
    }
  })
