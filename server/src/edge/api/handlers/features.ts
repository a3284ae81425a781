import { Feature } from "@maxcloud/sdk/api"
import type { Platform } from "../../../runtimes/port/Platform.ts"

/** Those that a server can lack by its settings. All others are always there. */
const isThere: Partial<Record<Feature, (platform: Platform["Type"]) => boolean>> = {
  manifests: ({ manifestRules = [] }) => manifestRules === "all" || manifestRules.length > 0
}

/** What this server can do, as `/api/v1/info` says it. */
export const featuresOf = (platform: Platform["Type"]): ReadonlyArray<Feature> =>
  Feature.literals.filter((feature) => isThere[feature]?.(platform) ?? true)
