/** The SDK with promises. For Effects, use `@maxcloud/sdk/effect`. Configs import `@maxcloud/sdk/config`. */
export type { Config } from "@maxcloud/config-schema/authoring"
export type { Deployment, DeploymentEvent, LogEntry, Plan } from "./api/index.ts"
export * from "./apiErrors.ts"
export type { AuditFault, AuditFaultCode, AuditPins, AuditVerification } from "./audit/AuditVerification.ts"
export {
  lastCheckpointIn,
  publicKeysIn,
  verifyAuditExportOf as verifyAuditExport
} from "./audit/verifyAuditExport.ts"
export type { ServerInfo } from "./calls/calls.ts"
export {
  type Client,
  type ClientOptions,
  createClient,
  findConfig,
  loadConfig,
  type PeopleClient
} from "./client.ts"
export type { LoadConfigOptions, LoadedConfig } from "./config/loadConfig.ts"
export { type CredentialOptions, defaultCredentials } from "./credentials/defaultCredentials.ts"
export type { DeployInput } from "./deploy/clientDeploys.ts"
export type { DeployProgress } from "./deploy/deployOptions.ts"
export type { PlanFile } from "./deploy/planFile.ts"
export type { RestartProgress } from "./deploy/restart.ts"
export {
  type DiagnosisText,
  diagnosisCodes,
  diagnosisOf,
  type Explanation,
  type ExplanationLanguage,
  explain,
  explainReason,
  findDiagnosisCode,
  isCaution,
  mayPass,
  type ReasonText,
  statusReasons
} from "./diagnosis/index.ts"
export {
  type CallError,
  ConfigInvalid,
  type ConfigIssue,
  CredentialUnavailable,
  DeploymentCancelled,
  DeploymentFailed,
  DeploymentSuperseded,
  type DeploymentUnsuccessful,
  InsecureUrl,
  type MaxCloudError,
  NotReachable,
  RestartFailed,
  renderIssue,
  ServerOutdated,
  SourceInvalid,
  UnexpectedAnswer,
  UnknownProblem
} from "./errors.ts"
export { renderProgress } from "./progress/checkedProgress.ts"
export type { ProgressOptions } from "./progress/renderProgress.ts"
export type {
  RevealedApiKey,
  RevealedDeviceCodes,
  RevealedProgress,
  RevealedRegistryToken,
  RevealedSession,
  RevealedWebhook
} from "./promises.ts"
