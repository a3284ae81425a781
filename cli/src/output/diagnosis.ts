import type { Diagnosis } from "@maxcloud/sdk/api"
import { linesOf } from "./format.ts"

/** A diagnosis, below its service's name: observations, fix, and a command that explains more. */
export const diagnosisLines = (diagnosis: Diagnosis): ReadonlyArray<string> => [
  ...diagnosis.evidence.flatMap((value) => linesOf(`seen: ${value}`)),
  ...linesOf(`fix: ${diagnosis.fix}`),
  `more: \`maxcloud explain ${diagnosis.code}\``
]
