import type { DiagnosisCode } from "../api/diagnosis.ts"

/** The explanation of a code, independent of the case. Commands and config lines are in backticks. */
export interface DiagnosisText {
  /** A few words, without a full stop. */
  readonly title: string
  /** The event behind the code. */
  readonly meaning: string
  /** Usual causes, the likeliest first. */
  readonly causes: ReadonlyArray<string>
  /** Steps to fix it, in this order. */
  readonly steps: ReadonlyArray<string>
  /** The same in one sentence. */
  readonly fix: string
}

/** Total over the codes: a code without its text does not compile. */
export type DiagnosisTexts = Readonly<Record<DiagnosisCode, DiagnosisText>>
