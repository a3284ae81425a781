import type { DiagnosisCode } from "../api/diagnosis.ts"

const cautions = new Set<DiagnosisCode>(["LoopbackOnly"])

/** Is it of no harm to a service that is ready, and a warning of where it would not be? */
export const isCaution = (code: DiagnosisCode): boolean => cautions.has(code)

const passing = new Set<DiagnosisCode>([
  "NotListening",
  "RegistryUnreachable",
  "Unschedulable",
  "QuotaExceeded",
  "VolumeFailed",
  "Evicted",
  "NamespaceTerminating",
  "IngressNotReady",
  "ClusterUnreachable"
])

/** May waiting alone help, as with a program that is only slow to start? */
export const mayPass = (code: DiagnosisCode): boolean => passing.has(code)
