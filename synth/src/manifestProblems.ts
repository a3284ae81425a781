import {
  type AppSpec,
  type FieldLeaf,
  isAllowed,
  isAllowedKind,
  leavesOfObject,
  leavesOfPatch,
  type ManifestKind,
  type ManifestRules,
  ruleTextOf,
  type SpecIssue
} from "@maxcloud/config-schema"

const notHere =
  'This server runs services without Kubernetes, so there are no manifests. Set `manifests` only if the context\'s `runtime` is "kubernetes", or remove it.'

const notAllowed = (kind: ManifestKind, { path, steps }: FieldLeaf, at: SpecIssue["path"]): SpecIssue => {
  const rule = ruleTextOf({ kind, steps })
  return {
    path: [...at, ...path],
    message: `The operator of this server doesn't allow "${rule}" in manifests. Remove the field, or ask the operator to add ${rule} to MAXCLOUD_MANIFESTS.`
  }
}

/** The fields in an app's `manifests` that the operator doesn't allow. `rules` is undefined if services don't run on Kubernetes. */
export const manifestProblems = (spec: AppSpec, rules: ManifestRules | undefined): ReadonlyArray<SpecIssue> => {
  const ofServices = spec.services.flatMap((service, index) =>
    (service.manifests ?? []).flatMap((patch, at): ReadonlyArray<SpecIssue> => {
      const path = ["services", index, "manifests", at]
      return rules === undefined
        ? [{ path, message: notHere }]
        : leavesOfPatch(patch)
            .filter(({ steps }) => !isAllowed(rules, patch.patch, steps))
            .map((leaf) => notAllowed(patch.patch, leaf, path))
    })
  )
  const ofApp = (spec.manifests ?? []).flatMap((object, at): ReadonlyArray<SpecIssue> => {
    const path = ["manifests", at]
    if (rules === undefined) return [{ path, message: notHere }]
    if (!isAllowedKind(rules, object.kind))
      return [notAllowed(object.kind, { path: ["kind"], steps: [], value: "" }, path)]
    return leavesOfObject(object)
      .filter(({ steps }) => !isAllowed(rules, object.kind, steps))
      .map((leaf) => notAllowed(object.kind, leaf, path))
  })
  return [...ofServices, ...ofApp]
}
