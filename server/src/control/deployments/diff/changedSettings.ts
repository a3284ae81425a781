import { canonicalJson } from "@maxcloud/sdk/api"

type Settings = Readonly<Record<string, unknown>>

/** Names of the settings in which two platforms differ, sorted. */
export const changedSettings = (before: Settings, after: Settings): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => canonicalJson([before[name]]) !== canonicalJson([after[name]]))
    .sort()
