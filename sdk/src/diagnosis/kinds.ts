import type { DiagnosisCode } from "../api/diagnosis.ts"

const cautions = new Set<DiagnosisCode>(["LoopbackOnly", "ImageSettingsUnused"])

/** Is it of no harm to a service that is ready, and a warning of where it would not be? */
export const isCaution = (code: DiagnosisCode): boolean => cautions.has(code)

const passing = new Set<DiagnosisCode>([
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

/** May waiting alone help a service that is pending, as with a program that is only slow to start? */
export const mayPass = (code: DiagnosisCode): boolean => passing.has(code)
