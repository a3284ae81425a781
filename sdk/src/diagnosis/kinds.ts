import { type Diagnosis, DiagnosisCode } from "../api/diagnosis.ts"

const codes: ReadonlySet<string> = new Set(DiagnosisCode.literals)

const cautions: ReadonlySet<string> = new Set<DiagnosisCode>(["LoopbackOnly", "ImageSettingsUnused", "ImageStandIn"])

/** Is it of no harm to a service that is ready, and a warning of where it would not be? */
export const isCaution = (code: Diagnosis["code"]): boolean => cautions.has(code)

const passing: ReadonlySet<string> = new Set<DiagnosisCode>([
  "NotListening",
  // One end may be bad luck, such as a database that starts at the same time; the second one is a verdict.
  "CrashOnStart",
  "ExitedOnStart",
  "EndedFromOutside",
  "CannotStart",
  "RegistryUnreachable",
  "Unschedulable",
  "QuotaExceeded",
  "VolumeFailed",
  "Evicted",
  "NamespaceTerminating",
  "IngressNotReady",
  "ClusterUnreachable"
])

/** May waiting alone help a service that is pending, as with a program that is only slow to start? It may if the code is of a newer server. */
export const mayPass = (code: Diagnosis["code"]): boolean => passing.has(code) || !codes.has(code)
