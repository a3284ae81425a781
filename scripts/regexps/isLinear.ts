import { createRequire } from "node:module"
import type { checkSync } from "recheck"

// The package's entry point looks for native programs and starts a worker. This build contains only the checker.
const { checkSync: check }: { readonly checkSync: typeof checkSync } = createRequire(import.meta.url)(
  "recheck/lib/browser.js"
)

/** Does the matching time grow linearly with the text? False also if the checker can't tell within 20 s. */
export const isLinear = ({ flags, source }: { readonly source: string; readonly flags: string }): boolean => {
  try {
    return check(source, flags, { timeout: 20_000 }).status === "safe"
  } catch {
    // Some patterns with counts in the thousands overflow its stack.
    return false
  }
}
