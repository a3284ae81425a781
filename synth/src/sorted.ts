import type { Manifest } from "./manifest.ts"

/** Sorts objects in apply order: referenced objects come first. */
const kinds = ["Namespace", "ResourceQuota", "LimitRange", "ServiceAccount", "Secret", "NetworkPolicy", "Service"]

/** By kind, then by name (code units, whatever the locale). */
export const sorted = (manifests: ReadonlyArray<Manifest>): ReadonlyArray<Manifest> =>
  manifests.toSorted((a, b) => {
    const order = kinds.indexOf(a.kind) - kinds.indexOf(b.kind)
    if (order !== 0) return order
    return a.metadata.name < b.metadata.name ? -1 : 1
  })
