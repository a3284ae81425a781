import { type ObjectKind, objectKinds } from "@maxcloud/config-schema"
import type { Manifest } from "@maxcloud/synth"
import { managedLabel, tenantRoleName } from "../../runtimes/kubeApi/systemNames.ts"
import { gatewayRules } from "./deployment.ts"

/** One rule of a role (RBAC, `PolicyRule`), and its reason. */
export interface Rule {
  readonly why: string
  readonly apiGroups: ReadonlyArray<string>
  readonly resources: ReadonlyArray<string>
  readonly verbs: ReadonlyArray<string>
  readonly resourceNames?: ReadonlyArray<string>
}

/** A ClusterRole of ours. */
export interface Role {
  readonly name: string
  /** The subject that it's bound to, and where. */
  readonly about: string
  readonly rules: ReadonlyArray<Rule>
}

/**
 * The server's rights to the kinds of objects that apps may contain (`MAXCLOUD_MANIFESTS`), in the namespaces that it
 * has created.
 */
const objectRules: Readonly<Record<ObjectKind, Rule>> = {
  ConfigMap: {
    why: "ConfigMaps of apps, if the operator allows them (`MAXCLOUD_MANIFESTS`).",
    apiGroups: [""],
    resources: ["configmaps"],
    verbs: ["get", "list", "create", "patch", "delete"]
  },
  PodDisruptionBudget: {
    why: "PodDisruptionBudgets of apps, if the operator allows them (`MAXCLOUD_MANIFESTS`).",
    apiGroups: ["policy"],
    resources: ["poddisruptionbudgets"],
    verbs: ["get", "list", "create", "patch", "delete"]
  }
}

/** The server's rights in a namespace that it has created, and nowhere else. Only this role grants access to Secrets. */
export const tenantRole: Role = {
  name: tenantRoleName,
  about: "For the server, bound in each namespace that it creates, and in the scratch namespace.",
  rules: [
    {
      why: "Secrets of services and registry credentials: written, and listed for drift, but never watched. All Secrets in these namespaces are the server's own.",
      apiGroups: [""],
      resources: ["secrets"],
      verbs: ["get", "list", "create", "patch", "delete"]
    },
    {
      why: "A service's objects besides its Knative Service, and the namespace's limits.",
      apiGroups: [""],
      resources: ["serviceaccounts", "resourcequotas", "limitranges"],
      verbs: ["create", "patch", "delete"]
    },
    {
      why: "If secrets come from a store (`MAXCLOUD_EXTERNAL_SECRET_STORE`): the names of their keys, without values.",
      apiGroups: ["external-secrets.io"],
      resources: ["externalsecrets"],
      verbs: ["create", "patch", "delete"]
    },
    {
      why: "The network policies that links need.",
      apiGroups: ["networking.k8s.io"],
      resources: ["networkpolicies"],
      verbs: ["create", "patch", "delete"]
    },
    {
      why: "The services themselves.",
      apiGroups: ["serving.knative.dev"],
      resources: ["services"],
      verbs: ["create", "patch", "delete"]
    },
    {
      why: "The namespace itself, once its organization is erased.",
      apiGroups: [""],
      resources: ["namespaces"],
      verbs: ["delete"]
    },
    {
      why: "Events on Knative Services, for people who use `kubectl describe`: what became of a deployment, healed drift.",
      apiGroups: [""],
      resources: ["events"],
      verbs: ["create"]
    },
    { why: "Live and recent logs.", apiGroups: [""], resources: ["pods/log"], verbs: ["get"] },
    {
      why: "Programs that members run in instances (`maxcloud exec`). The API server asks for `get` or `create`, depending on its version.",
      apiGroups: [""],
      resources: ["pods/exec"],
      verbs: ["get", "create"]
    },
    {
      why: "Connections of members to ports of instances (`maxcloud port-forward`). The API server asks for `get` or `create`, depending on its version.",
      apiGroups: [""],
      resources: ["pods/portforward"],
      verbs: ["get", "create"]
    },
    {
      why: "The answer to a failing probe, for its diagnosis.",
      apiGroups: [""],
      resources: ["pods/proxy"],
      verbs: ["get"]
    },
    {
      why: "Short-lived pods that test the network (`maxcloud net verify`). `delete` also ends a removed service's pods after their own `grace`.",
      apiGroups: [""],
      resources: ["pods"],
      verbs: ["create", "delete"]
    }
  ]
}

/**
 * The server's rights in the whole cluster: create namespaces, and read. It grants neither Secrets nor changes outside
 * the server's namespaces.
 */
export const serverRole: Role = {
  name: "maxcloud-server",
  about:
    "For the server, in the whole cluster. The admission policies of `maxcloud-server` confine what it writes here.",
  rules: [
    {
      why: "A namespace for each app and stage. The admission policy only lets the server write those with our label.",
      apiGroups: [""],
      resources: ["namespaces"],
      verbs: ["get", "list", "watch", "create", "patch"]
    },
    {
      why: "One watch per kind for all organizations: states, diagnoses, drift. RBAC can't select by label, so it covers all namespaces.",
      apiGroups: [""],
      resources: ["pods", "serviceaccounts", "resourcequotas", "limitranges"],
      verbs: ["get", "list", "watch"]
    },
    {
      why: "As above. The server keeps warnings about its own namespaces only.",
      apiGroups: [""],
      resources: ["events"],
      verbs: ["list", "watch"]
    },
    {
      why: "As above.",
      apiGroups: ["networking.k8s.io"],
      resources: ["networkpolicies"],
      verbs: ["get", "list", "watch"]
    },
    {
      why: "As above.",
      apiGroups: ["serving.knative.dev"],
      resources: ["services"],
      verbs: ["get", "list", "watch"]
    },
    {
      why: "As above. Knative creates these, and the server only follows them.",
      apiGroups: ["serving.knative.dev"],
      resources: ["revisions", "routes"],
      verbs: ["list", "watch"]
    },
    {
      why: "As above, if secrets come from a store.",
      apiGroups: ["external-secrets.io"],
      resources: ["externalsecrets"],
      verbs: ["get", "list", "watch"]
    },
    {
      why: "The platforms that images must support (those of the nodes), and the addresses of nodes and pods: no `egress` opens them.",
      apiGroups: [""],
      resources: ["nodes"],
      verbs: ["list"]
    },
    {
      why: "The addresses of Services: no `egress` opens them, and `maxcloud net verify` tries some.",
      apiGroups: [""],
      resources: ["services"],
      verbs: ["get", "list"]
    },
    {
      why: "As above: the ranges that Services get their addresses from.",
      apiGroups: ["networking.k8s.io"],
      resources: ["servicecidrs"],
      verbs: ["get", "list"]
    },
    {
      why: "As above: the addresses of the API server, the activator and the autoscaler.",
      apiGroups: ["discovery.k8s.io"],
      resources: ["endpointslices"],
      verbs: ["get", "list"]
    },
    {
      why: "Whether the cluster has gVisor, which then runs organizations' programs.",
      apiGroups: ["node.k8s.io"],
      resources: ["runtimeclasses"],
      verbs: ["get"],
      resourceNames: ["gvisor"]
    },
    {
      why: "To bind `maxcloud-tenant` to itself in a namespace that it has created.",
      apiGroups: ["rbac.authorization.k8s.io"],
      resources: ["rolebindings"],
      verbs: ["get", "create", "patch"]
    },
    {
      why: "Only that one role: without `bind`, Kubernetes refuses to bind more rights than the binder has.",
      apiGroups: ["rbac.authorization.k8s.io"],
      resources: ["clusterroles"],
      verbs: ["bind"],
      resourceNames: [tenantRole.name]
    }
  ]
}

/** The server's rights to Knative's own configuration. */
export const settingsRole: Role = {
  name: "maxcloud-settings",
  about: "For the server, bound in `knative-serving`.",
  rules: [
    {
      why: "The domain and hosts that Knative gives to services, and whether it takes a runtime class.",
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: ["get"],
      resourceNames: ["config-network", "config-domain", "config-features"]
    },
    {
      why: "`initial-scale`: while a lost namespace or cluster is restored, idle services come back without an instance.",
      apiGroups: [""],
      resources: ["configmaps"],
      verbs: ["get", "patch"],
      resourceNames: ["config-autoscaler"]
    }
  ]
}

/** The rights of the gateway's authorizer: to see callers and their links. It writes nothing. */
export const gatewayRole: Role = {
  name: "maxcloud-gateway",
  about: "For the gateway's authorizer, in the whole cluster.",
  rules: [
    ...gatewayRules.map((gatewayRule) => ({
      ...gatewayRule,
      why: "Which pod an address belongs to, which namespaces are ours, and what each service links to."
    }))
  ]
}

/** All roles, with the rights to these kinds of objects of apps. */
export const rolesWith = (objects: ReadonlyArray<ObjectKind>): ReadonlyArray<Role> => [
  serverRole,
  {
    ...tenantRole,
    rules: [
      ...tenantRole.rules,
      ...objectKinds.filter((kind) => objects.includes(kind)).map((kind) => objectRules[kind])
    ]
  },
  settingsRole,
  gatewayRole
]

export const clusterRoleOf = ({ name, rules }: Role): Manifest => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "ClusterRole",
  metadata: { name, labels: { ...managedLabel } },
  rules: rules.map(({ apiGroups, resourceNames, resources, verbs }) => ({
    apiGroups: [...apiGroups],
    resources: [...resources],
    ...(resourceNames === undefined ? {} : { resourceNames: [...resourceNames] }),
    verbs: [...verbs]
  }))
})

const flow = (values: ReadonlyArray<string>) => JSON.stringify(values).replaceAll(",", ", ")

const roleText = ({ about, name, rules }: Role): string =>
  [
    `# ${about}`,
    "apiVersion: rbac.authorization.k8s.io/v1",
    "kind: ClusterRole",
    "metadata:",
    `  name: ${name}`,
    "  labels:",
    ...Object.entries(managedLabel).map(([key, value]) => `    ${key}: ${value}`),
    "rules:",
    ...rules.flatMap((rule) => [
      `  # ${rule.why}`,
      `  - apiGroups: ${flow(rule.apiGroups)}`,
      `    resources: ${flow(rule.resources)}`,
      ...(rule.resourceNames === undefined ? [] : [`    resourceNames: ${flow(rule.resourceNames)}`]),
      `    verbs: ${flow(rule.verbs)}`
    ]),
    ""
  ].join("\n")

/** `docs/reference/cluster-role.yaml`: max-cloud's rights in a cluster, each rule with its reason. */
export const clusterRolePage = (): string =>
  [
    "# What max-cloud may do in a cluster. `maxcloud cluster install` applies it; `maxcloud cluster manifests` prints everything.\n# Made from `server/src/operator/cluster/clusterRoles.ts` by `npm run generate`.\n# The rules for ConfigMaps and PodDisruptionBudgets only apply if `--manifests` names these kinds.\n",
    ...rolesWith(objectKinds).map((role) => `---\n${roleText(role)}`)
  ].join("")
