export type { DiagnosisText } from "./DiagnosisText.ts"
export { diagnosisOf } from "./diagnosisOf.ts"
export { diagnosisCodes, type Explanation, type ExplanationLanguage, explain, findDiagnosisCode } from "./explain.ts"
