import type { AuditCheckpointLine } from "../api/index.ts"

/** Facts that the verifier knows from another source than the export. */
export interface AuditPins {
  /** SPKI in PEM. Every checkpoint has to be signed by one of them. */
  readonly publicKeys?: ReadonlyArray<string> | undefined
  /** Of an earlier export: the chain must still go through it. Trusted as it is given. */
  readonly checkpoint?: AuditCheckpointLine | undefined
}

export type AuditFaultCode =
  /** Not a line of the format, or not in canonical form. */
  | "Malformed"
  /** Of a newer version of the format. */
  | "Unsupported"
  /** Of another organization. */
  | "Foreign"
  /** An entry is missing, comes twice, or is not in its place. */
  | "OutOfOrder"
  /** An entry, or the one before, was changed. */
  | "HashMismatch"
  /** The opened content isn't the sealed content. */
  | "OpenedMismatch"
  /** A checkpoint says something else than the chain. */
  | "CheckpointMismatch"
  | "BadSignature"
  /** Signed by a key that the header does not have, or that is not a pinned one. */
  | "UnknownKey"
  /** The end is missing. */
  | "Truncated"
  /** The chain does not go through the pinned checkpoint. */
  | "PinMismatch"

export interface AuditFault {
  readonly code: AuditFaultCode
  /** From 1. */
  readonly line: number
  /** Of the entry or checkpoint at fault, where it is known. */
  readonly sequence: number | null
  readonly message: string
}

export type AuditVerification =
  | {
      readonly ok: true
      readonly organization: string
      readonly entries: number
      readonly checkpoints: number
      /** Checkpoints that the server left out, since it hasn't signed them: somebody put them into its database. As the export says. */
      readonly leftOut: number
      /** The last one: it covers everything, and says when. Keep it: it pins the chain for the next verification. */
      readonly checkpoint: AuditCheckpointLine
      readonly pinned: { readonly publicKey: boolean; readonly checkpoint: boolean }
    }
  | { readonly ok: false; readonly fault: AuditFault }
