import { label, type Manifest, type ObjectRef } from "@maxcloud/synth"
import { type Kind, kinds } from "../../kubeApi/kinds.ts"
import type { NamespaceKey } from "../../port/Runtime.ts"
import type { ManagedKind } from "../cache/ClusterCache.ts"
import type { ManagedFields, Metadata } from "../cache/objects.ts"
import { fieldManager, ownEntry } from "./managedFields.ts"
import type { Named } from "./refusal.ts"

type ObjectMetadata = typeof Metadata.Type

/** The kinds that deployments consist of: applied, removed, and watched for drift. */
export const managedKinds = {
  namespace: kinds.namespace,
  resourceQuota: kinds.resourceQuota,
  limitRange: kinds.limitRange,
  networkPolicy: kinds.networkPolicy,
  serviceAccount: kinds.serviceAccount,
  secret: kinds.secret,
  externalSecret: kinds.externalSecret,
  configMap: kinds.configMap,
  podDisruptionBudget: kinds.podDisruptionBudget,
  service: kinds.service
} as const satisfies Partial<Record<ManagedKind, Kind>>

export type AppliedKind = keyof typeof managedKinds

const isAppliedKind = (name: string): name is AppliedKind => Object.hasOwn(managedKinds, name)

const byType = new Map(
  Object.entries(managedKinds).flatMap(([name, kind]) =>
    isAppliedKind(name) ? [[`${kind.apiVersion}/${kind.kind}`, name] as const] : []
  )
)

/** undefined: a kind that no deployment contains. */
export const appliedKindOf = (ref: Pick<ObjectRef, "apiVersion" | "kind">): AppliedKind | undefined =>
  byType.get(`${ref.apiVersion}/${ref.kind}`)

/** An object's place in the cluster. `namespace`: empty for a Namespace. */
export interface Place {
  readonly kind: AppliedKind
  readonly namespace: string
  readonly name: string
}

export const placeOf = (kind: AppliedKind, namespace: string, name: string): Place => ({
  kind,
  namespace: managedKinds[kind].namespaced ? namespace : "",
  name
})

export const idOf = ({ kind, name, namespace }: Place) => `${kind}/${namespace}/${name}`

export const namedOf = ({ kind, name, namespace }: Place): Named => ({ kind: managedKinds[kind].kind, namespace, name })

/** Id of the organization, on namespaces: names may be reused, ids never are. */
export const organizationIdLabel = label.organizationId

const managedBy = "app.kubernetes.io/managed-by"

export const isManaged = (labels: Readonly<Record<string, string>>) => labels[managedBy] === fieldManager

/** Only metadata is returned (Kubernetes API concepts, "Metadata-only fetches"), so values of Secrets aren't transferred. */
export const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
export const metadataOnlyList = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

const differs = (is: string | undefined, should: string) => is !== undefined && is !== should

/**
 * May we change this object? It is ours by its label or, if somebody removed the label, by our own apply. An object of another
 * app or organization is theirs.
 */
export const isOurs = ({ labels, managedFields }: ObjectMetadata, key: NamespaceKey): boolean =>
  (isManaged(labels) || ownEntry(managedFields) !== undefined) &&
  !differs(labels[label.organization], key.organization) &&
  !differs(labels[label.app], key.app) &&
  !differs(labels[label.stage], key.stage)

/** Like `isOurs`, for a namespace: it has the organization's id, unless somebody removed that label. */
export const isOurNamespace = (metadata: ObjectMetadata, key: NamespaceKey): boolean => {
  const id = metadata.labels[organizationIdLabel]
  const applied = ownEntry(metadata.managedFields) !== undefined
  return isOurs(metadata, key) && (id === key.organizationId || (id === undefined && applied))
}

/** Describes an object's owner in a refusal, by its managers and labels. */
export const ownerOf = ({ labels, managedFields }: ObjectMetadata): string => {
  const managers = [...new Set(managedFields.map((managedField: ManagedFields) => managedField.manager))].filter(
    (value) => value !== ""
  )
  const told = Object.entries(labels).filter(([name]) => /^(?:app\.kubernetes\.io|maxcloud\.dev)\//.test(name))
  const made = managers.length === 0 ? "an unknown manager" : managers.map((manager) => `"${manager}"`).join(", ")
  const marked = told.length === 0 ? "without owner labels" : told.map(([name, value]) => `${name}=${value}`).join(", ")
  return `made by ${made}, ${marked}`
}

/** The step in which an object is applied. Objects that others depend on come first. */
const steps: Readonly<Record<AppliedKind, number>> = {
  namespace: 0,
  resourceQuota: 1,
  limitRange: 1,
  networkPolicy: 1,
  serviceAccount: 2,
  secret: 2,
  externalSecret: 2,
  configMap: 2,
  podDisruptionBudget: 2,
  service: 3
}

/** Pull secrets belong to the namespace, and exist before any of its pods. */
const pullSecretType = "kubernetes.io/dockerconfigjson"

export interface Target {
  readonly place: Place
  readonly manifest: Manifest
}

/** Groups objects into steps. The objects of a step may be applied at the same time. */
export const inSteps = (targets: ReadonlyArray<Target>): ReadonlyArray<ReadonlyArray<Target>> => {
  const stepOf = ({ manifest, place }: Target) => (manifest["type"] === pullSecretType ? 1 : steps[place.kind])
  return [0, 1, 2, 3]
    .map((step) => targets.filter((target) => stepOf(target) === step))
    .filter((each) => each.length > 0)
}
