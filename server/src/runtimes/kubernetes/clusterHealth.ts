import type { ReadinessCheck } from "@maxcloud/sdk/api"
import { Effect, Layer, Option } from "effect"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import type { WatchReport } from "../kubeApi/watchReports.ts"
import { RuntimeHealth } from "../port/RuntimeHealth.ts"

/** How long a watch may take to connect again, or to sync in a new namespace, where the server gets its rights a moment later. */
const patienceMillis = 10_000
/** Bookmarks come about once a minute, and the client cuts a connection after 90 silent seconds. */
const silenceMillis = 5 * 60_000

const secondsSince = (millis: number, nowMillis: number) => `${Math.round((nowMillis - millis) / 1000)} s`

const faultOf = (watch: WatchReport, nowMillis: number): string | undefined => {
  const { heardMillis, listed, namespace, open, sinceMillis } = watch
  const late = nowMillis - sinceMillis > patienceMillis
  if (!listed && (namespace === undefined || late)) return `hasn't synced for ${secondsSince(sinceMillis, nowMillis)}`
  if (!open && late) return `has been disconnected for ${secondsSince(sinceMillis, nowMillis)}`
  if (nowMillis - heardMillis > silenceMillis) return `has been silent for ${secondsSince(heardMillis, nowMillis)}`
  return undefined
}

/** Do the watches deliver? The message names kinds, but no namespace: anyone may read it. */
export const watchesCheck = (watches: ReadonlyArray<WatchReport>, nowMillis: number): ReadinessCheck => {
  const faults = new Map<string, string>()
  let count = 0
  for (const watch of watches) {
    const fault = faultOf(watch, nowMillis)
    if (fault === undefined) continue
    count++
    if (!faults.has(watch.kind)) faults.set(watch.kind, fault)
  }
  if (count === 0) return { name: "watches", ok: true, message: null }
  const told = [...faults].slice(0, 3).map(([kind, fault]) => `The watch of ${kind} ${fault}.`)
  return {
    name: "watches",
    ok: false,
    message: `${count} of ${watches.length} watches of the cluster don't deliver, so statuses are outdated. ${told.join(" ")} The server retries. Its log says why: look for "watch of".`
  }
}

const cluster = (since: Option.Option<Date>): ReadinessCheck =>
  Option.match(since, {
    onNone: () => ({ name: "cluster", ok: true, message: null }),
    onSome: (at) => ({
      name: "cluster",
      ok: false,
      message: `The cluster's API server has been unreachable since ${at.toISOString()}, so the states of services are as of then. Services keep running; deployments wait. Check the API server and the network between it and this server.`
    })
  })

export const layer = Layer.effect(
  RuntimeHealth,
  Effect.map(KubeApi, (api) => ({
    checks: Effect.zipWith(api.unreachableSince, api.watches, (since, watches) => [
      cluster(since),
      watchesCheck(watches, performance.now())
    ])
  }))
)
