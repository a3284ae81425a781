import { ServiceName } from "@maxcloud/config-schema"
import { isKnativeService, type Manifest, type ObjectRef } from "@maxcloud/synth"
import { Effect } from "effect"
import { type ApplyOptions, Runtime, type ServiceKey } from "../../../runtimes/port/Runtime.ts"
import type { StageManifests } from "../manifests/stageManifests.ts"
import type { Lease } from "../queue/WorkQueue.ts"
import type { RestoreWindow } from "../restore/RestoreWindow.ts"
import type { StageRows } from "../stages/StageRows.ts"
import { applyManifests } from "./applyManifests.ts"

const isLostService = (missing: ReadonlyArray<ObjectRef>) => {
  const names = new Set(missing.filter((ref) => ref.kind === "Service").map((ref) => ref.name))
  return (manifest: Manifest) => isKnativeService(manifest) && names.has(manifest.metadata.name)
}

/**
 * Applies an app of which the runtime has lost services. Everything else comes at once; services without instances in a window,
 * and the others as there is room. Returns when to go on; undefined: everything is applied.
 */
export const restoreServices = (
  rows: StageRows,
  restore: RestoreWindow,
  lease: Lease,
  manifests: StageManifests,
  missing: ReadonlyArray<ObjectRef>,
  options: ApplyOptions
) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const namespaceKey = rows.namespaceKeyOf(lease)
    const lost = manifests.app.filter(isLostService(missing))
    const names = lost.map((manifest) => manifest.metadata.name)
    const busy = new Set(names.length === 0 ? [] : yield* rows.markRestoring(lease, names))
    yield* applyManifests(
      rows,
      lease,
      { ...manifests, app: manifests.app.filter((one) => !lost.includes(one)) },
      options
    )

    const keyOf = ({ metadata }: Manifest): ServiceKey => ({
      ...namespaceKey,
      service: ServiceName.make(metadata.name)
    })
    const apply = (some: ReadonlyArray<Manifest>) =>
      some.length === 0 ? Effect.void : runtime.apply(namespaceKey, some, options)
    const idle = lost.filter(({ metadata }) => !busy.has(metadata.name))
    const entry = idle.length === 0 ? "open" : yield* restore.enter
    if (entry === "open" && idle.length > 0) {
      yield* restore.join(idle.map(keyOf))
      yield* apply(idle)
    }
    const starting = entry === "none" ? lost : lost.filter(({ metadata }) => busy.has(metadata.name))
    const begun = new Set(
      (starting.length === 0 ? [] : yield* restore.start(starting.map(keyOf))).map((key) => key.service)
    )
    yield* apply(starting.filter((one) => begun.has(keyOf(one).service)))
    if (begun.size < starting.length || entry === "wait") return yield* restore.wait(lease.key, entry === "wait")
    yield* restore.leave(lease.key)
    return undefined
  })
