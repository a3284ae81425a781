import { runtimes } from "./runtimes.ts"

/** Values that `MAXCLOUD_RUNTIME` may have. */
export const runtimeNames: ReadonlyArray<string> = runtimes.map((entry) => entry.name)
