import { createHash } from "node:crypto"

/** JSON with sorted keys: equal for equal data. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null"
  const fields = Object.entries(value)
    .filter(([, _]) => _ !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, _]) => `${JSON.stringify(key)}:${canonical(_)}`)
  return `{${fields.join(",")}}`
}

/** Digest of data, to tell whether it has changed. */
export const fingerprint = (value: unknown): string => createHash("sha256").update(canonical(value)).digest("hex")
