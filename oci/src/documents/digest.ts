import { createHash } from "node:crypto"
import { Schema } from "effect"

/** The only algorithm that registries must support (OCI image-spec 1.1, "Digests"), and the only one in use. */
export const Digest = Schema.String.pipe(
  Schema.pattern(/^sha256:[a-f0-9]{64}$/, { message: () => 'is not a digest of the form "sha256:" and 64 hex digits' })
)

export const digestOf = (content: Uint8Array | string) => `sha256:${createHash("sha256").update(content).digest("hex")}`
