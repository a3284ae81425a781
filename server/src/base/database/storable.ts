/** The replacement for text that Postgres can't store. Decoders of broken UTF-8 use the same character. */
const replacement = "\ufffd"

/**
 * `jsonb` stores any well-formed text except U+0000. `JSON.stringify` escapes unpaired surrogates and NUL, and never
 * writes them raw.
 */
const escapes = /\\(?:u[0-9a-f]{4}|.)/g
const unstorableEscape = /^\\u(?:0000|d[89a-f][0-9a-f]{2})$/

/**
 * A value's JSON text, for a parameter that Postgres reads as `json` or `jsonb`. Programs, registries and clusters write
 * characters that `jsonb` refuses (NUL, unpaired surrogates), and a single one would fail the whole statement, so U+FFFD
 * replaces each.
 */
export const storableJson = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "null"
  return text.includes("\\u")
    ? text.replace(escapes, (escape) => (unstorableEscape.test(escape) ? replacement : escape))
    : text
}

/**
 * A text for a statement's parameter: no Postgres text can contain U+0000. The driver itself replaces unpaired
 * surrogates.
 */
export const storable = (value: unknown): unknown => {
  if (typeof value === "string") return value.includes("\0") ? value.replaceAll("\0", replacement) : value
  return Array.isArray(value) ? value.map(storable) : value
}
