import { Feature } from "@maxcloud/sdk/api"
import type { Platform } from "../../../runtimes/port/Platform.ts"

/** Features that depend on the server's settings. All others are always available. */
const isThere: Partial<Record<Feature, (platform: Platform["Type"]) => boolean>> = {
  manifests: ({ manifestRules = [] }) => manifestRules === "all" || manifestRules.length > 0
}

/** The features of this server, as reported by `/api/v1/info`. */
export const featuresOf = (platform: Platform["Type"]): ReadonlyArray<Feature> =>
  Feature.literals.filter((feature) => isThere[feature]?.(platform) ?? true)
