import { createHash } from "node:crypto"

/**
 * SHA-256, in hexadecimal digits, of something's public properties: the audit log's digest of the state before or after.
 */
export const publicDigest = (shown: object): string =>
  createHash("sha256")
    .update(JSON.stringify(Object.entries(shown).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest("hex")
