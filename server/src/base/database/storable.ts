/** The replacement for text that Postgres can't store. Decoders of broken UTF-8 use the same character. */
const replacement = "\ufffd"

/** `jsonb` holds any well-formed text but U+0000. `JSON.stringify` escapes half surrogate pairs and NUL, and never writes them raw. */
const escapes = /\\(?:u[0-9a-f]{4}|.)/g
const unstorableEscape = /^\\u(?:0000|d[89a-f][0-9a-f]{2})$/

/**
 * The JSON text of a value, for a parameter that Postgres reads as `json` or `jsonb`. Programs, registries and clusters write bytes that
 * `jsonb` refuses (NUL, half surrogate pairs), and one of them would refuse the whole statement: U+FFFD stands for each.
 */
export const storableJson = (value: unknown): string => {
  const text = JSON.stringify(value) ?? "null"
  return text.includes("\\u")
    ? text.replace(escapes, (escape) => (unstorableEscape.test(escape) ? replacement : escape))
    : text
}

/** A statement's parameter as Postgres takes it: no text of it can hold U+0000. The driver itself replaces half surrogate pairs. */
export const storable = (value: unknown): unknown => {
  if (typeof value === "string") return value.includes("\0") ? value.replaceAll("\0", replacement) : value
  return Array.isArray(value) ? value.map(storable) : value
}
