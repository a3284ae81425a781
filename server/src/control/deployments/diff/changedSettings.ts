import { canonical } from "./canonical.ts"

type Settings = Readonly<Record<string, unknown>>

/** Names of the settings in which two platforms differ, sorted. */
export const changedSettings = (before: Settings, after: Settings): ReadonlyArray<string> =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => canonical([before[name]]) !== canonical([after[name]]))
    .sort()
