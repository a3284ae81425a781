import { Schema } from "effect"
import { openEnum } from "./openEnum.ts"

/**
 * Why a service doesn't run, as a stable code that scripts can rely on. `maxcloud explain CODE` explains each with its fixes. A code never
 * changes its meaning.
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
  "WrongProtocol",
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

/** The cause, the evidence, and the fix. Texts are in English; `maxcloud explain` has them in German too. */
export const Diagnosis = Schema.Struct({
  code: openEnum(...DiagnosisCode.literals),
  /** One sentence with the facts of this case: the exit code, the port, the image. */
  message: Schema.String,
  /** Observations, one line each: a container's state, an event, a probe's response. Contains no secrets. */
  evidence: Schema.Array(Schema.String),
  /** How to fix it, in one sentence. */
  fix: Schema.String,
  /** Was it found often enough to be the reason? Waiting may still help; `deploy --fail-fast` stops at it. */
  certain: Schema.Boolean
}).annotations({ identifier: "Diagnosis" })
export interface Diagnosis extends Schema.Schema.Type<typeof Diagnosis> {}
