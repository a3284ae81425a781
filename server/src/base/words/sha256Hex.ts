import { createHash } from "node:crypto"

/** SHA-256 in hexadecimal digits. */
export const sha256Hex = (text: string) => createHash("sha256").update(text).digest("hex")
