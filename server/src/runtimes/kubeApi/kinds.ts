/** A kind of the Kubernetes API, and its place in the API. */
export interface Kind {
  readonly apiVersion: string
  readonly kind: string
  readonly plural: string
  readonly namespaced: boolean
}

const kind = (apiVersion: string, name: string, plural: string, namespaced = true): Kind => ({
  apiVersion,
  kind: name,
  plural,
  namespaced
})

/** Every kind that the server uses. */
export const kinds = {
  namespace: kind("v1", "Namespace", "namespaces", false),
  resourceQuota: kind("v1", "ResourceQuota", "resourcequotas"),
  limitRange: kind("v1", "LimitRange", "limitranges"),
  serviceAccount: kind("v1", "ServiceAccount", "serviceaccounts"),
  secret: kind("v1", "Secret", "secrets"),
  roleBinding: kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
  networkPolicy: kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies"),
  /** Only exists if the External Secrets Operator is installed. */
  externalSecret: kind("external-secrets.io/v1", "ExternalSecret", "externalsecrets"),
  /** An app's own objects, if the operator allows them; ConfigMaps are Knative's settings too. */
  configMap: kind("v1", "ConfigMap", "configmaps"),
  podDisruptionBudget: kind("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets"),
  pod: kind("v1", "Pod", "pods"),
  event: kind("v1", "Event", "events"),
  service: kind("serving.knative.dev/v1", "Service", "services"),
  revision: kind("serving.knative.dev/v1", "Revision", "revisions"),
  route: kind("serving.knative.dev/v1", "Route", "routes")
} as const satisfies Readonly<Record<string, Kind>>

const byName = new Map(Object.values(kinds).map((kind) => [`${kind.apiVersion}/${kind.kind}`, kind]))

export const kindOf = (object: { readonly apiVersion: string; readonly kind: string }): Kind | undefined =>
  byName.get(`${object.apiVersion}/${object.kind}`)

/** Path of a kind's objects, or of one (Kubernetes API concepts, "Resource URIs"). */
export const pathOf = ({ apiVersion, namespaced, plural }: Kind, namespace?: string, name?: string): string =>
  [
    apiVersion.includes("/") ? "/apis" : "/api",
    apiVersion,
    ...(namespaced && namespace !== undefined ? ["namespaces", encodeURIComponent(namespace)] : []),
    plural,
    ...(name === undefined ? [] : [encodeURIComponent(name)])
  ].join("/")
