import type { AuditCheckpointLine } from "../api/index.ts"

/** Trusted facts from a source other than the export. */
export interface AuditPins {
  /** SPKI in PEM. One of them must have signed every checkpoint. */
  readonly publicKeys?: ReadonlyArray<string> | undefined
  /** A checkpoint of an earlier export, which the chain must still contain. Trusted without a check. */
  readonly checkpoint?: AuditCheckpointLine | undefined
}

export type AuditFaultCode =
  /** The line doesn't have the format, or isn't in canonical form. */
  | "Malformed"
  /** A newer version of the format. */
  | "Unsupported"
  /** The line belongs to another organization. */
  | "Foreign"
  /** An entry is missing, duplicated or out of order. */
  | "OutOfOrder"
  /** An entry or the previous one was changed. */
  | "HashMismatch"
  /** The opened content isn't the sealed content. */
  | "OpenedMismatch"
  /** A checkpoint contradicts the chain. */
  | "CheckpointMismatch"
  | "BadSignature"
  /** The signing key isn't in the header, or isn't pinned. */
  | "UnknownKey"
  /** The end is missing. */
  | "Truncated"
  /** The chain doesn't contain the pinned checkpoint. */
  | "PinMismatch"

export interface AuditFault {
  readonly code: AuditFaultCode
  /** From 1. */
  readonly line: number
  /** The sequence of the inconsistent entry or checkpoint, if known. */
  readonly sequence: number | null
  readonly message: string
}

export type AuditVerification =
  | {
      readonly ok: true
      readonly organization: string
      readonly entries: number
      readonly checkpoints: number
      /** The export's number of checkpoints that the server left out because it hasn't signed them: somebody put them into its database. */
      readonly leftOut: number
      /** The last checkpoint, which covers everything, with its time. Keep it to pin the chain in the next verification. */
      readonly checkpoint: AuditCheckpointLine
      readonly pinned: { readonly publicKey: boolean; readonly checkpoint: boolean }
    }
  | { readonly ok: false; readonly fault: AuditFault }
