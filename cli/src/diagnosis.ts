import type { Diagnosis } from "@maxcloud/sdk/api"
import { linesOf } from "./format.ts"

/** A diagnosis below the name of its service: what was seen, what to do, and where more is said. */
export const diagnosisLines = (diagnosis: Diagnosis): ReadonlyArray<string> => [
  ...diagnosis.evidence.flatMap((_) => linesOf(`seen: ${_}`)),
  ...linesOf(`fix: ${diagnosis.fix}`),
  `more: \`maxcloud explain ${diagnosis.code}\``
]
