import type { Diagnosis, DiagnosisCode } from "../api/diagnosis.ts"
import { english } from "./english.ts"

/**
 * A diagnosis with this code. `message`: one sentence with the facts of the case; `evidence`: observations, one line each.
 * `fix` is the code's own, unless the facts allow a better one.
 */
export const diagnosisOf = (
  code: DiagnosisCode,
  message: string,
  evidence: ReadonlyArray<string> = [],
  fix: string = english[code].fix
): Diagnosis => ({ code, message, evidence, fix })
