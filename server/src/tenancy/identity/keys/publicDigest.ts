import { createHash } from "node:crypto"

/** SHA-256, in hexadecimal digits, of what a credential shows of itself: what the audit log says that was there before or after. */
export const publicDigest = (shown: object): string =>
  createHash("sha256")
    .update(JSON.stringify(Object.entries(shown).sort(([a], [b]) => (a < b ? -1 : 1))))
    .digest("hex")
