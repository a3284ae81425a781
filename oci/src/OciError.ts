import { Data } from "effect"

/**
 * - `invalid`: the image, or the archive that contains it, can't be used
 * - `platform`: the image isn't for the cluster's nodes
 * - `missing`: there's no such file, image or tag
 * - `tooLarge`: larger than an image may be
 * - `disk`: the disk for temporary files is full or broken
 * - `engine`: neither podman nor docker can be asked
 * - `refused`: the registry refuses the credential
 * - `away`: the registry is unreachable or overloaded; a retry may work
 * - `registry`: the registry answers something that isn't the protocol, or stores something else
 */
export type OciReason =
  | "invalid"
  | "platform"
  | "missing"
  | "tooLarge"
  | "disk"
  | "engine"
  | "refused"
  | "away"
  | "registry"

/** What happened to an image or its registry, and how to fix it. */
export class OciError extends Data.TaggedError("OciError")<{
  readonly reason: OciReason
  /** A clause that names the place, without a full stop. */
  readonly message: string
  readonly fix?: string | undefined
  /** How long a registry asked us to wait. */
  readonly retryAfterMs?: number | undefined
  /** The error behind it, if a caller wants to report that. */
  readonly cause?: unknown
}> {}

export const ociError = (reason: OciReason, message: string, fix?: string) => new OciError({ reason, message, fix })
