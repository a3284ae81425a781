import { DiagnosisCode } from "../api/diagnosis.ts"
import type { DiagnosisText } from "./DiagnosisText.ts"
import { english } from "./english.ts"
import { german } from "./german.ts"

/** Languages that the explanations are written in (ISO 639-1). */
export type ExplanationLanguage = "en" | "de"

export interface Explanation extends DiagnosisText {
  readonly code: DiagnosisCode
}

export const diagnosisCodes: ReadonlyArray<DiagnosisCode> = DiagnosisCode.literals

/** The meaning of a code, its usual causes, and its fix. */
export const explain = (code: DiagnosisCode, language: ExplanationLanguage = "en"): Explanation => ({
  code,
  ...(language === "de" ? german : english)[code]
})

const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, "")

/** The code that is meant, however its capitals, dashes and spaces are written: `out-of-memory` is `OutOfMemory`. */
export const findDiagnosisCode = (text: string): DiagnosisCode | undefined =>
  diagnosisCodes.find((diagnosisCode) => plain(diagnosisCode) === plain(text))
