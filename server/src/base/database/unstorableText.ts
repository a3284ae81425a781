import type { SpecIssue } from "@maxcloud/config-schema"

/** The first text in JSON that Postgres can't store unchanged. Keys are texts too. */
export const unstorableText = (json: unknown): SpecIssue | undefined => {
  // One array for all: building a path for each value would cost more than the check.
  const path: Array<string | number> = []
  const problemOf = (text: string): SpecIssue | undefined => {
    if (text.includes("\0")) return { path: [...path], message: "A text can't contain the NUL character. Remove it." }
    return text.isWellFormed()
      ? undefined
      : {
          path: [...path],
          message: "A text must be valid Unicode, but this one contains an unpaired surrogate. Remove it."
        }
  }
  const visit = (value: unknown): SpecIssue | undefined => {
    if (typeof value === "string") return problemOf(value)
    if (typeof value !== "object" || value === null) return undefined
    for (const [key, part] of Array.isArray(value) ? value.entries() : Object.entries(value)) {
      const ofKey = typeof key === "string" ? problemOf(key) : undefined
      if (ofKey !== undefined) return ofKey
      path.push(key)
      const inside = visit(part)
      if (inside !== undefined) return inside
      path.pop()
    }
    return undefined
  }
  return visit(json)
}
