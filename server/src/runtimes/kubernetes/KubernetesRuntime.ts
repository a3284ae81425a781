import { namespaceProblems } from "@maxcloud/synth"
import { Effect, Layer, Option, Stream } from "effect"
import { RegistryCredentials } from "../../stores/images/credentials/RegistryCredentials.ts"
import { Secrets } from "../../stores/secrets/Secrets.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { Platform } from "../port/Platform.ts"
import { Runtime, type ServiceStatus } from "../port/Runtime.ts"
import { makeApply } from "./apply/makeApply.ts"
import { unreachableError, unreachableRead } from "./apply/refusal.ts"
import { ClusterCache } from "./cache/ClusterCache.ts"
import { makeConnect } from "./exec/makeConnect.ts"
import { makeExec } from "./exec/makeExec.ts"
import { makeAnnounce } from "./happenings/announce.ts"
import { makeHappenings } from "./happenings/makeHappenings.ts"
import { makeInitialScale } from "./initialScale.ts"
import { makeInstances } from "./instances.ts"
import { limitations } from "./limitations.ts"
import { KubernetesLogs } from "./logs/KubernetesLogs.ts"
import { makeConfirm } from "./status/confirm.ts"
import { Tracker } from "./status/Tracker.ts"

/** Knative reports URLs without a port, because it doesn't know what is in front of the ingress. */
const publicUrl = (url: string | null, { port, scheme }: Platform["Type"]): string | null =>
  url === null ? null : `${url.replace(/^https?:/, `${scheme}:`)}${port === undefined ? "" : `:${port}`}`

/** Don't report watches that reconnect sooner than this. */
const awayMillis = 2_000

/**
 * `Runtime` on a cluster: manifests by server-side apply, statuses from shared watches, logs from pods and from the log history.
 */
export const layer = Layer.effect(
  Runtime,
  Effect.gen(function* () {
    const api = yield* KubeApi
    const cache = yield* ClusterCache
    const logs = yield* KubernetesLogs
    const tracker = yield* Tracker
    const platform = yield* Platform
    const { abandon, apply, drift, dryRun, isBehind, leftAlone, missing, release, remove } = yield* makeApply({
      api,
      cache,
      secrets: yield* Secrets,
      registryCredentials: yield* RegistryCredentials
    })

    /** While the API server is unreachable, the cache is outdated: tell callers that wait for a service. */
    const whileReachable = Effect.flatMap(
      api.unreachable,
      Option.match({
        onNone: () => Effect.void,
        onSome: ({ millis, since }) =>
          millis < awayMillis ? Effect.void : Effect.fail(unreachableError(since, `${api.server} is unreachable`))
      })
    )

    /** A reader learns at once that the cluster is unreachable. */
    const whileReadable = Effect.flatMap(
      api.check,
      Option.match({ onNone: () => Effect.void, onSome: (since) => Effect.fail(unreachableRead(since)) })
    )
    /** Fails once the cluster is unreachable: a follower would otherwise take an outage for silence. */
    const untilAway = Effect.flatMap(
      api.unreachable,
      Option.match({
        onNone: () => Effect.void,
        onSome: ({ millis, since }) => (millis < awayMillis ? Effect.void : Effect.fail(unreachableRead(since)))
      })
    ).pipe(Effect.delay("1 second"), Effect.forever)
    const exec = makeExec(api, cache)
    const connect = makeConnect(api, cache)

    return {
      name: "kubernetes",
      inPlace: false,
      repairs: true,
      limitations,
      // `Images` checks images, and `dryRun` asks admission.
      problems: ({ namespace }, spec) => Effect.succeed(namespaceProblems(spec, namespace)),
      apply,
      abandon,
      release,
      dryRun: (...asked) => Effect.zipRight(whileReadable, dryRun(...asked)),
      remove,
      initialScale: makeInitialScale(api),
      missing,
      status: (key) =>
        Effect.zipWith(
          Effect.zipRight(whileReachable, tracker.status(key)),
          isBehind(key.namespace, key.service),
          (status, behind) =>
            Option.map(
              status,
              (found): ServiceStatus => ({
                ...found,
                // The watch hasn't reported the applied object yet: this state belongs to the previous one.
                observedGeneration: behind ? -1 : found.observedGeneration,
                url: publicUrl(found.url, platform)
              })
            )
        ),
      isConfirmed: makeConfirm(api, cache),
      awayMillis: api.awayMillis,
      reachable: whileReadable,
      changes: tracker.changes,
      drift,
      leftAlone: (key) => Effect.zipRight(whileReadable, leftAlone(key)),
      exec: (...asked) => Effect.zipRight(whileReadable, exec(...asked)),
      connect: (...asked) => Effect.zipRight(whileReadable, connect(...asked)),
      instances: makeInstances(cache),
      happenings: makeHappenings(api, cache),
      announce: makeAnnounce(api, cache),
      revisions: (key) => Effect.zipRight(whileReadable, tracker.revisions(key)),
      logs: (query) => Stream.unwrap(Effect.as(whileReadable, Stream.interruptWhen(logs.read(query), untilAway))),
      isLogCursor: logs.isCursor,
      logBytes: logs.bytes
    }
  })
)
