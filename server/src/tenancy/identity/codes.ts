import { randomInt } from "node:crypto"

/** No vowels, so that codes don't spell words, and no letters that are easily confused (RFC 8628, 6.1). */
const letters = "BCDFGHJKLMNPQRSTVWXZ"
const halfLength = 4

/** Eight letters, written `WDJB-MJHT`: 34 bits. */
export const newCode = (): string => {
  const half = () => Array.from({ length: halfLength }, () => letters.charAt(randomInt(letters.length))).join("")
  return `${half()}-${half()}`
}

/** A code as a person types it: case, spaces and hyphens don't matter. undefined: it isn't one. */
export const readCode = (typed: string): string | undefined => {
  const plain = typed.slice(0, 100).replace(/[\s\p{Pd}]/gu, "")
  // Check before upper-casing, which turns some other letters into these ("ß").
  if (!/^[A-Za-z]*$/.test(plain)) return undefined
  const code = plain.toUpperCase()
  return code.length === 2 * halfLength && [...code].every((value) => letters.includes(value))
    ? `${code.slice(0, halfLength)}-${code.slice(halfLength)}`
    : undefined
}
