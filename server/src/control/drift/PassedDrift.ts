import type { Drift } from "../../runtimes/port/Runtime.ts"

/** Longer than shards have no owner after a crash. */
export const keptMillis = 30_000
const limit = 1_000

/** Drift that this replica has seen and left to the organization's owner, in case there was none. The newest of each object. */
export class PassedDrift {
  readonly #kept = new Map<string, { readonly drift: Drift; readonly keptAt: number }>()

  keep(drift: Drift, nowMillis = performance.now()) {
    const id = `${drift.key.namespace}/${drift.object.kind}/${drift.object.name}`
    this.#kept.delete(id)
    this.#kept.set(id, { drift, keptAt: nowMillis })
    if (this.#kept.size > limit) for (const first of this.#kept.keys()) return void this.#kept.delete(first)
  }

  /** Drift of organizations that now have an owner; old drift is forgotten. */
  take(owns: (organizationId: string) => boolean, nowMillis = performance.now()): ReadonlyArray<Drift> {
    const taken: Array<Drift> = []
    for (const [id, { drift, keptAt }] of this.#kept) {
      const isOld = keptAt < nowMillis - keptMillis
      if (!isOld && !owns(drift.key.organizationId)) continue
      this.#kept.delete(id)
      if (!isOld) taken.push(drift)
    }
    return taken
  }
}
