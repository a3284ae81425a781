import type { DiagnosisCode } from "../api/diagnosis.ts"

/** What is said of a code, whatever the case. Commands and config lines stand in backticks. */
export interface DiagnosisText {
  /** A few words, without a full stop. */
  readonly title: string
  /** What has happened. */
  readonly meaning: string
  /** What it usually comes from, the likeliest first. */
  readonly causes: ReadonlyArray<string>
  /** What to do, in this order. */
  readonly steps: ReadonlyArray<string>
  /** The same in one sentence. */
  readonly fix: string
}

/** Total over the codes: a code without its text does not compile. */
export type DiagnosisTexts = Readonly<Record<DiagnosisCode, DiagnosisText>>
