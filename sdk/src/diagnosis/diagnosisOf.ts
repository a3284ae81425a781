import type { Diagnosis } from "../api/diagnosis.ts"
import { findDiagnosis } from "./explain.ts"

/**
 * Builds a diagnosis with this code. `message` is one sentence with the facts of the case; `evidence` has observations, one line each. `fix`
 * is the code's own, unless the facts allow a better one.
 */
export const diagnosisOf = (
  code: Diagnosis["code"],
  message: string,
  evidence: ReadonlyArray<string> = [],
  fix: string = findDiagnosis(code)?.fix ?? ""
): Diagnosis => ({ code, message, evidence, fix, certain: false })
