/** The SDK with Effects. `@maxcloud/sdk` has the same with promises. */
export * from "./apiErrors.ts"
export type { AuditFault, AuditFaultCode, AuditPins, AuditVerification } from "./audit/AuditVerification.ts"
export { lastCheckpointIn, publicKeysIn, verifyAuditExport } from "./audit/verifyAuditExport.ts"
export type { NewInvite, NewKey, NewOidcTrust } from "./calls/authCalls.ts"
export type { ServerInfo } from "./calls/calls.ts"
export type { ExecOptions, ExecSession } from "./calls/exec.ts"
export type { Listing, PageOptions } from "./calls/listing.ts"
export type { OpenPortOptions, PortConnection } from "./calls/openPort.ts"
export type { AuditFilter } from "./calls/organizationCalls.ts"
export type { LogOptions } from "./calls/streams.ts"
export { assumedFacts, type ServerFacts, serverFacts } from "./config/configFacts.ts"
export { findConfig } from "./config/findConfig.ts"
export { type LoadConfigOptions, type LoadedConfig, loadConfig } from "./config/loadConfig.ts"
export { type CredentialOptions, defaultCredentials } from "./credentials/defaultCredentials.ts"
export type { DeployError, PlanError } from "./deploy/deploy.ts"
export type {
  Deployable,
  DeployOptions,
  DeployProgress,
  PlanOptions,
  PrepareOptions,
  SourceReport
} from "./deploy/deployOptions.ts"
export { succeeded } from "./deploy/outcome.ts"
export { type PlanFile, parsePlanFile, planFileBytes } from "./deploy/planFile.ts"
export { type RestartOptions, type RestartProgress, restarted } from "./deploy/restart.ts"
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
export type { InApp, InStage } from "./input/parse.ts"
export {
  type AccountCalls,
  type AuditCalls,
  type AuthCalls,
  type ErasureCalls,
  MaxCloud,
  type MaxCloudService,
  makeMaxCloud,
  type OrganizationCalls
} from "./MaxCloud.ts"
export { renderProgress } from "./progress/checkedProgress.ts"
export type { ProgressOptions } from "./progress/renderProgress.ts"
export type { SnapshotCut } from "./source/snapshot.ts"
export { defaultApiUrl, isServerUrl } from "./transport/serverUrl.ts"
export type { ConnectionOptions, DeprecationNotice } from "./transport/transport.ts"
