import { runtimes } from "./runtimes.ts"

/** The possible values of `MAXCLOUD_RUNTIME`. */
export const runtimeNames: ReadonlyArray<string> = runtimes.map((entry) => entry.name)
