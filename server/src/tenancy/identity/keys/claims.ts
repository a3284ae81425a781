/**
 * Does the text match the pattern? Each `*` matches any text, and everything else itself. Each part between stars is
 * searched for once, from the end of the previous one: without backtracking, no pattern takes long.
 */
export const matchesPattern = (pattern: string, text: string): boolean => {
  const [first = "", ...rest] = pattern.split("*")
  const last = rest.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let from = first.length
  for (const part of rest) {
    const at = text.indexOf(part, from)
    if (at === -1) return false
    from = at + part.length
  }
  return text.length - last.length >= from && text.endsWith(last)
}

/** A claim's value as texts: one for a string, number or boolean; each string of an array; none for anything else. */
const textsOf = (value: unknown): ReadonlyArray<string> => {
  if (typeof value === "string") return [value]
  if (typeof value === "number" || typeof value === "boolean") return [String(value)]
  return Array.isArray(value) ? value.filter((each) => typeof each === "string") : []
}

/** The first required claim that the token lacks, or has with another value; undefined: it has all. */
export const firstMismatch = (
  wanted: Readonly<Record<string, string>>,
  claims: Readonly<Record<string, unknown>>
): { readonly claim: string; readonly pattern: string } | undefined => {
  const missed = Object.entries(wanted).find(([claim, pattern]) => {
    const texts = Object.hasOwn(claims, claim) ? textsOf(claims[claim]) : []
    return !texts.some((text) => matchesPattern(pattern, text))
  })
  return missed === undefined ? undefined : { claim: missed[0], pattern: missed[1] }
}
