import { Schema } from "effect"
import { DiagnosisCode } from "../api/diagnosis.ts"
import type { DiagnosisText } from "./DiagnosisText.ts"
import { english } from "./english.ts"
import { german } from "./german.ts"

/** The languages of the explanations (ISO 639-1). */
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

/** The explanation of a code in a response; undefined if only a newer version knows it. */
export const findDiagnosis = (code: string, language?: ExplanationLanguage): Explanation | undefined =>
  isCode(code) ? explain(code, language) : undefined

const plain = (text: string) => text.toLowerCase().replace(/[^a-z]/g, "")

/** Finds a code regardless of capitals, dashes and spaces: `out-of-memory` means `OutOfMemory`. */
export const findDiagnosisCode = (text: string): DiagnosisCode | undefined =>
  diagnosisCodes.find((diagnosisCode) => plain(diagnosisCode) === plain(text))
