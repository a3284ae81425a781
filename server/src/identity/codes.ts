import { randomInt } from "node:crypto"

/** No vowels, so that they spell nothing, and none that is taken for another (RFC 8628, 6.1). */
const letters = "BCDFGHJKLMNPQRSTVWXZ"
const halfLength = 4

/** Eight letters, written `WDJB-MJHT`: 34 bits. */
export const newCode = (): string => {
  const half = () => Array.from({ length: halfLength }, () => letters.charAt(randomInt(letters.length))).join("")
  return `${half()}-${half()}`
}

/** A code as a person types it: case, spaces and hyphens do not matter. undefined: it is none. */
export const readCode = (typed: string): string | undefined => {
  const plain = typed
    .slice(0, 100)
    .toUpperCase()
    .replace(/[\s\p{Pd}]/gu, "")
  return plain.length === 2 * halfLength && [...plain].every((_) => letters.includes(_))
    ? `${plain.slice(0, halfLength)}-${plain.slice(halfLength)}`
    : undefined
}
