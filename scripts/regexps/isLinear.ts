import { createRequire } from "node:module"
import type { checkSync } from "recheck"

// The package's entry looks for native programs and starts a worker; this build is the checker itself.
const { checkSync: check }: { readonly checkSync: typeof checkSync } = createRequire(import.meta.url)(
  "recheck/lib/browser.js"
)

/** Whether the time that a pattern takes grows as its text does. False also if the checker can't tell in 20 s. */
export const isLinear = ({ flags, source }: { readonly source: string; readonly flags: string }): boolean => {
  try {
    return check(source, flags, { timeout: 20_000 }).status === "safe"
  } catch {
    // Some that count up to thousands are too deep for its stack.
    return false
  }
}
