import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/**
 * Why a service does not run, as a stable code: scripts may rely on it. `maxcloud explain CODE` tells what each means and what to do.
 * A code never changes its meaning.
 */
export const DiagnosisCode = Schema.Literal(
  "ImageNotFound",
  "ImageUnauthorized",
  "ImageInvalid",
  "ImageLayersMissing",
  "ImageRefused",
  "ImageSettingsUnused",
  "ImageStandIn",
  "RegistryUnreachable",
  "RegistryUntrusted",
  "WrongPlatform",
  "BuilderMissing",
  "BuildFailed",
  "NothingToRun",
  "SourceInvalid",
  "FolderClosed",
  "NoContainerEngine",
  "CannotStart",
  "CommandNotFound",
  "CommandNotExecutable",
  "UserUnknown",
  "RootRefused",
  "CrashOnStart",
  "ExitedOnStart",
  "OutOfMemory",
  "EndedFromOutside",
  "WrongPort",
  "LoopbackOnly",
  "NotListening",
  "NotHttp",
  "ProbeFailing",
  "LivenessFailing",
  "CrashAfterReady",
  "Unschedulable",
  "QuotaExceeded",
  "LimitExceeded",
  "PodSecurityRefused",
  "AdmissionRefused",
  "SecretMissing",
  "VolumeFailed",
  "RuntimeClassMissing",
  "WakeFailed",
  "Evicted",
  "NameTaken",
  "FieldConflict",
  "NamespaceTerminating",
  "IngressNotReady",
  "ProgressDeadlineExceeded",
  "ClusterUnreachable"
)
export type DiagnosisCode = typeof DiagnosisCode.Type

/** The cause that was found, what shows it, and what to do. Texts are English; `maxcloud explain` has them in German too. */
export const Diagnosis = Schema.Struct({
  code: openEnum(...DiagnosisCode.literals),
  /** One sentence with the facts of this case: the exit code, the port, the image. */
  message: Schema.String,
  /** Observations, one line each: a container's state, an event, a probe's answer. Holds no secret. */
  evidence: Schema.Array(Schema.String),
  /** How to fix it, in one sentence. */
  fix: Schema.String
}).annotations({ identifier: "Diagnosis" })
export interface Diagnosis extends Schema.Schema.Type<typeof Diagnosis> {}
