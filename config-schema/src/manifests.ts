import { ConfigMap, PodDisruptionBudget } from "./manifestObjects.ts"
import { patchable } from "./manifestPatches.ts"

export * from "./manifestObjects.ts"
export * from "./manifestPatches.ts"

/** The schemas of all kinds, with the fields that an operator can allow. */
export const manifestKinds = { ...patchable, ConfigMap, PodDisruptionBudget } as const
export type ManifestKind = keyof typeof manifestKinds
