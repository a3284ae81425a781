import type { Manifest } from "@maxcloud/synth"
import { type Kind, kindOf, pathOf } from "../../runtimes/kubeApi/kinds.ts"

const kind = (apiVersion: string, name: string, plural: string, namespaced: boolean): Kind => ({
  apiVersion,
  kind: name,
  plural,
  namespaced
})

const rbac = "rbac.authorization.k8s.io/v1"
const admission = "admissionregistration.k8s.io/v1"

export const deployments = kind("apps/v1", "Deployment", "deployments", true)

/** Kinds that only an installation touches: the server itself has no rights to them. */
const own: ReadonlyArray<Kind> = [
  kind(rbac, "ClusterRole", "clusterroles", false),
  kind(rbac, "ClusterRoleBinding", "clusterrolebindings", false),
  kind(admission, "ValidatingAdmissionPolicy", "validatingadmissionpolicies", false),
  kind(admission, "ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings", false),
  deployments,
  kind("v1", "Service", "services", true),
  kind("monitoring.coreos.com/v1", "ServiceMonitor", "servicemonitors", true)
]

/** Path of an object that an installation creates. */
export const pathOfManifest = (manifest: Manifest): string => {
  const found =
    own.find((object) => object.apiVersion === manifest.apiVersion && object.kind === manifest.kind) ?? kindOf(manifest)
  if (found === undefined) throw new Error(`an installation has no kind ${manifest.apiVersion} ${manifest.kind}`)
  return pathOf(found, manifest.metadata.namespace, manifest.metadata.name)
}
