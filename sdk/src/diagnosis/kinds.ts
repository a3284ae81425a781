import { type Diagnosis, DiagnosisCode } from "../api/diagnosis.ts"

const codes: ReadonlySet<string> = new Set(DiagnosisCode.literals)

const cautions: ReadonlySet<string> = new Set<DiagnosisCode>([
  "LoopbackOnly",
  "ImageSettingsUnused",
  "ImageStandIn",
  "WrongProtocol"
])

/** Whether it is a warning about a service that is ready: about other environments, or about its answers. */
export const isCaution = (code: Diagnosis["code"]): boolean => cautions.has(code)

const passing: ReadonlySet<string> = new Set<DiagnosisCode>([
  "NotListening",
  // One exit may be bad luck, such as a database that is still starting. The second one is final.
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

/** Whether a pending service may recover by waiting, for example if its program is only slow to start. True for codes of newer servers. */
export const mayPass = (code: Diagnosis["code"]): boolean => passing.has(code) || !codes.has(code)
