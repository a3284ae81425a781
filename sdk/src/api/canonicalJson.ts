/** What `JSON.stringify` makes of it, with the keys of its objects in order; undefined for what JSON leaves out. */
const written = (value: unknown): string | undefined => {
  if (Array.isArray(value)) return `[${value.map((item) => written(item) ?? "null").join(",")}]`
  if (typeof value !== "object" || value === null || value instanceof Date) return JSON.stringify(value)
  const members = Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .flatMap(([key, member]) => {
      const text = written(member)
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]
    })
  return `{${members.join(",")}}`
}

/**
 * JSON Canonicalization Scheme (RFC 8785) of what JSON can say, without fractions and with well-formed strings: equal texts for equal data. Undefined
 * is left out, or null, as `JSON.stringify` has it.
 */
export const canonicalJson = (value: unknown): string => written(value) ?? "null"
