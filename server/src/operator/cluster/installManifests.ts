import { AppName, type ObjectKind, OrganizationName, StageName } from "@maxcloud/config-schema"
import { type Manifest, synthNamespace } from "@maxcloud/synth"
import {
  gatewayName,
  knativeNamespace,
  managedLabel,
  scratchNamespace,
  serverAccount,
  systemNamespace
} from "../../runtimes/kubeApi/systemNames.ts"
import { tenantBinding } from "../../runtimes/kubeApi/tenantBinding.ts"
import { admissionPolicies } from "./admissionPolicy.ts"
import { clusterRoleOf, gatewayRole, rolesWith, serverRole, settingsRole } from "./clusterRoles.ts"
import { gatewayManifests } from "./gatewayManifests.ts"
import { knativePolicies } from "./knativePolicies.ts"
import { type ServerOptions, serverManifests } from "./serverManifests.ts"

export interface InstallOptions {
  /** max-cloud's image, for the gateway's authorizer; undefined: no authorizer. */
  readonly image: string | undefined
  /** Start the server from that image too? `hasServiceMonitors`: does the cluster know this kind? @default no */
  readonly server?: Pick<ServerOptions, "hasServiceMonitors"> | undefined
  /** The prefix of tenants' namespaces. */
  readonly namespacePrefix: string
  /** Kinds of objects that apps may contain. @default none */
  readonly objects?: ReadonlyArray<ObjectKind> | undefined
}

const namespace = (name: string, podSecurity: "baseline" | "restricted"): Manifest => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: {
    name,
    labels: {
      ...managedLabel,
      "pod-security.kubernetes.io/enforce": podSecurity,
      "pod-security.kubernetes.io/warn": "restricted"
    }
  }
})

const bindingInAll = (role: string, account: string): Manifest => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRoleBinding",
  metadata: { name: role, labels: { ...managedLabel } },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
  subjects: [{ kind: "ServiceAccount", name: account, namespace: systemNamespace }]
})

/**
 * The namespace for dry runs of first deployments. It has the default deny, quota and limits of a tenant's, so that a
 * dry run gives the same answer as in one of those, but it isn't labelled as one.
 */
const scratch = (): ReadonlyArray<Manifest> => {
  const tenant = {
    organization: OrganizationName.make(scratchNamespace),
    app: AppName.make(scratchNamespace),
    namespacePrefix: "",
    stage: StageName.make("production"),
    domain: "localhost",
    scheme: "http",
    port: undefined,
    secretVersions: new Map(),
    podSecurity: "baseline",
    images: new Map(),
    runtimeClass: undefined,
    pausedServices: new Set<never>(),
    pullSecret: false
  } as const
  const own = synthNamespace(tenant).filter((object) => object.kind !== "Namespace")
  return [
    namespace(scratchNamespace, "baseline"),
    tenantBinding(scratchNamespace, managedLabel),
    ...own.map((object) => ({
      ...object,
      metadata: { ...object.metadata, namespace: scratchNamespace, labels: { ...managedLabel } }
    }))
  ]
}

/** All objects that `maxcloud cluster install` applies, in this order. */
export const installManifests = ({
  image,
  namespacePrefix,
  objects = [],
  server
}: InstallOptions): ReadonlyArray<Manifest> => [
  namespace(systemNamespace, "restricted"),
  ...rolesWith(objects)
    .filter((role) => role !== gatewayRole || image !== undefined)
    .map(clusterRoleOf),
  // Before the rights that they confine.
  ...admissionPolicies(namespacePrefix),
  {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name: serverAccount, namespace: systemNamespace, labels: { ...managedLabel } }
  },
  bindingInAll(serverRole.name, serverAccount),
  {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "RoleBinding",
    metadata: { name: settingsRole.name, namespace: knativeNamespace, labels: { ...managedLabel } },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: settingsRole.name },
    subjects: [{ kind: "ServiceAccount", name: serverAccount, namespace: systemNamespace }]
  },
  ...scratch(),
  ...knativePolicies,
  ...(image === undefined ? [] : [bindingInAll(gatewayRole.name, gatewayName), ...gatewayManifests(image)]),
  ...(image === undefined || server === undefined ? [] : serverManifests({ ...server, image, namespacePrefix }))
]
