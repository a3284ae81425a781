import type { DiagnosisCode } from "../api/diagnosis.ts"

/** The explanation of a code, independent of the case. Commands and config lines are in backticks. */
export interface DiagnosisText {
  /** A few words, without a full stop. */
  readonly title: string
  /** What has happened. */
  readonly meaning: string
  /** Usual causes, the likeliest first. */
  readonly causes: ReadonlyArray<string>
  /** Steps to fix it, in this order. */
  readonly steps: ReadonlyArray<string>
  /** The fix in one sentence. */
  readonly fix: string
}

/** Contains every code: a code without a text doesn't compile. */
export type DiagnosisTexts = Readonly<Record<DiagnosisCode, DiagnosisText>>
