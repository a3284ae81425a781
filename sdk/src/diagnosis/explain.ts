import { Schema } from "effect"
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

const isCode = Schema.is(DiagnosisCode)

/** The explanation of an answer's code; undefined for one that only a newer version knows. */
export const findDiagnosis = (code: string, language?: ExplanationLanguage): Explanation | undefined =>
  isCode(code) ? explain(code, language) : undefined

const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, "")

/** The code that is meant, however its capitals, dashes and spaces are written: `out-of-memory` is `OutOfMemory`. */
export const findDiagnosisCode = (text: string): DiagnosisCode | undefined =>
  diagnosisCodes.find((diagnosisCode) => plain(diagnosisCode) === plain(text))
