export * from "./addresses/ipRange.ts"
export * from "./addresses/specialAddresses.ts"
export { type AppLink, appLinksOf, type LinkedApp, type LinkedFrom, linkFault } from "./appLinks.ts"
export * from "./appSpec.ts"
export * from "./authoring.ts"
export { type Bound, boundOf, bounds, listUpTo, mapUpTo, quoted, textUpTo } from "./bounds.ts"
export { dockerfileNames } from "./dockerfiles.ts"
export * from "./env.ts"
export * from "./exports.ts"
export * from "./external.ts"
export { canonicalHost, type ImageName, isRegistryHost, parseImageName } from "./imageName.ts"
export { Labels } from "./labels.ts"
export { lockfileNames, lockfilesOf, type PackageManager, packageManagerOf } from "./lockfiles.ts"
export * from "./manifestFields.ts"
export * from "./manifests.ts"
export * from "./names.ts"
export { nearest } from "./nearest.ts"
export { keptPolicies } from "./policies/kept.ts"
export { policyAppOf, writtenField } from "./policies/PolicyApp.ts"
export {
  judge,
  noFindings,
  type PolicyFindings,
  parsePolicies,
  parsePolicyList,
  policyCode
} from "./policies/policies.ts"
export * from "./probes.ts"
export * from "./quantities.ts"
export { isClusterNamespace, isReservedName, isReservedPrefix } from "./reservedNames.ts"
export { Scale } from "./scale.ts"
export * from "./service.ts"
export { maxSpecValues } from "./shape.ts"
export { type IssueCode, maxSpecIssues, SpecIssue, specIssuesOf } from "./specIssues.ts"
export { amountIn, bytesQuantity, byteUnits, cpuQuantity, durationUnits, shortUnits } from "./units.ts"
