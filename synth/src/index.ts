export * from "./annotations.ts"
export { ContainerProbe, type EnvVar, type KnativeContainer } from "./container.ts"
export { canonicalRanges, type EgressRules, ipBlocksOf } from "./egress.ts"
export { expand } from "./expand.ts"
export { type ExternalKey, type ExternalSecrets, externalKeyOf, textOfExternalKey } from "./externalSecrets.ts"
export { jsonForYaml } from "./jsonForYaml.ts"
export { isKnativeService, templateOf } from "./KnativeService.ts"
export * from "./manifest.ts"
export { manifestProblems } from "./manifestProblems.ts"
export * from "./names.ts"
export { type ObjectChange, objectChanges } from "./objectChanges.ts"
export * from "./offlineTenant.ts"
export * from "./portable.ts"
export * from "./problems.ts"
export { quantityOf } from "./quantity.ts"
export {
  defaultMaxTimeoutSeconds,
  endOf,
  endOfPod,
  type InstanceEnd,
  RevisionTemplate,
  type SecretVolume,
  TemplateAnnotations
} from "./revisionTemplate.ts"
export { sampleManifests } from "./sample.ts"
export { isPullSecret, readParts, SecretPart, SecretParts, secretPrefixOf, unmadeVersion } from "./secretParts.ts"
export { readMarks, type ServiceMarks } from "./serviceMarks.ts"
export * from "./synth.ts"
export * from "./synthNamespace.ts"
export type * from "./tenant.ts"
export * from "./toYaml.ts"
