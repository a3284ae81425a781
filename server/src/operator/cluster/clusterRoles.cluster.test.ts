import { randomBytes } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Layer, ManagedRuntime, Schedule, Schema } from "effect"
import { adminApi, serverKubeconfig } from "../../../test/cluster/serverKubeconfig.ts"
import { defaultNamespacePrefix } from "../../base/words/namespacePrefix.ts"
import { layer } from "../../runtimes/kubeApi/HttpKubeApi.ts"
import { KubeApi, type KubeError, type KubeRequest } from "../../runtimes/kubeApi/KubeApi.ts"
import { scratchNamespace, serverUser, systemNamespace } from "../../runtimes/kubeApi/systemNames.ts"
import { tenantBinding } from "../../runtimes/kubeApi/tenantBinding.ts"
import { type Rule, serverRole, settingsRole, tenantRole } from "./clusterRoles.ts"

const ResourceRules = Schema.Struct({
  status: Schema.Struct({
    resourceRules: Schema.Array(
      Schema.Struct({
        verbs: Schema.Array(Schema.String),
        apiGroups: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
        resources: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] }),
        resourceNames: Schema.optionalWith(Schema.Array(Schema.String), { default: () => [] })
      })
    )
  })
})

/** Each right by itself, so that two ways to write the same rules are equal. */
const rights = (rules: ReadonlyArray<Pick<Rule, "apiGroups" | "resources" | "verbs" | "resourceNames">>) =>
  new Set(
    rules.flatMap(({ apiGroups, resourceNames = [], resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource} ${resourceNames.join(",")}`))
      )
    )
  )

const secretManifest = (namespace: string) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "h", namespace },
  stringData: { value: "a secret" }
})

const podManifest = (namespace: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "intruder", namespace },
  spec: { containers: [{ name: "main", image: "dev.local/hello:1" }] }
})

const namespaceManifest = (name: string, labels: Readonly<Record<string, string | undefined>>) => ({
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name, labels }
})

const ours = {
  "app.kubernetes.io/managed-by": "maxcloud",
  "maxcloud.dev/organization-id": "org_one",
  "pod-security.kubernetes.io/enforce": "baseline"
}
const applied = { fieldManager: "maxcloud", force: "true" }

describe.skipIf(process.env.KUBECONFIG === undefined)("the server's rights in a cluster (KUBECONFIG)", () => {
  const admin = ManagedRuntime.make(adminApi)
  const server = ManagedRuntime.make(
    Layer.unwrapEffect(
      Effect.map(Effect.promise(serverKubeconfig), (path) => layer({ source: { type: "file", path } }))
    )
  )
  const suffix = randomBytes(4).toString("hex")
  const own = `${defaultNamespacePrefix}rights-own-${suffix}`
  // Created by somebody else, with a name that an organization could have.
  const foreign = `${defaultNamespacePrefix}rights-foreign-${suffix}`
  const none = `${defaultNamespacePrefix}rights-none-${suffix}`
  // Also one that claims to be ours: only its name shows that it isn't.
  const unprefixed = `rights-cluster-${suffix}`

  const send = (request: KubeRequest) => Effect.flatMap(KubeApi, (api) => api.request(request))
  const asServer = (request: KubeRequest) => server.runPromise(send(request))
  const asAdmin = (request: KubeRequest) => admin.runPromise(send(request))
  const apply = (path: string, body: unknown): KubeRequest => ({
    method: "PATCH",
    path,
    body,
    query: applied,
    contentType: "application/apply-patch+yaml"
  })
  /** Attacks change nothing even if they're allowed: admission handles a dry run like any other request. */
  const refusal = (request: KubeRequest) =>
    server.runPromise(
      send(request.method === "GET" ? request : { ...request, query: { ...request.query, dryRun: "All" } }).pipe(
        Effect.flip,
        Effect.map((error) => ({ reason: error.reason, message: error.message })),
        Effect.catchAll(() =>
          Effect.succeed({ reason: "none", message: `${request.method} ${request.path} was allowed` })
        )
      )
    )

  const rightsIn = async (namespace: string) => {
    const answer = await asServer({
      method: "POST",
      path: "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
      body: { apiVersion: "authorization.k8s.io/v1", kind: "SelfSubjectRulesReview", spec: { namespace } }
    })
    const { status } = Schema.decodeUnknownSync(ResourceRules)(answer)
    // The questions that every signed-in user may ask about themselves (`system:basic-user`).
    return rights(
      status.resourceRules.filter(
        (resourceRule) => !resourceRule.apiGroups.some((group) => /^auth(orization|entication)\.k8s/.test(group))
      )
    )
  }

  beforeAll(async () => {
    await serverKubeconfig()
    // The API server reads new admission policies once a second.
    const relabelled = apply("/api/v1/namespaces/kube-system", namespaceManifest("kube-system", ours))
    for (let tries = 0; tries < 100 && (await refusal(relabelled)).reason === "none"; tries++) await setTimeout(100)
    await asAdmin({ method: "POST", path: "/api/v1/namespaces", body: namespaceManifest(foreign, {}) })
    await asAdmin({ method: "POST", path: `/api/v1/namespaces/${foreign}/secrets`, body: secretManifest(foreign) })
    await asAdmin({ method: "POST", path: "/api/v1/namespaces", body: namespaceManifest(unprefixed, ours) })
    await asAdmin({
      method: "POST",
      path: `/api/v1/namespaces/${unprefixed}/secrets`,
      body: secretManifest(unprefixed)
    })
  })

  afterAll(async () => {
    for (const name of [own, foreign, unprefixed]) {
      await asAdmin({ method: "DELETE", path: `/api/v1/namespaces/${name}` }).catch(() => undefined)
    }
    await Promise.all([server.dispose(), admin.dispose()])
  })

  it("are exactly those of its ClusterRole outside of its namespaces", async () => {
    expect(await rightsIn(foreign)).toEqual(rights(serverRole.rules))
    expect(await rightsIn("kube-system")).toEqual(rights(serverRole.rules))
    expect(await rightsIn("knative-serving")).toEqual(rights([...serverRole.rules, ...settingsRole.rules]))
  })

  it("in a namespace that it creates include the tenant's, which it grants itself", async () => {
    await asServer(apply(`/api/v1/namespaces/${own}`, namespaceManifest(own, ours)))
    const bindings = `/apis/rbac.authorization.k8s.io/v1/namespaces/${own}/rolebindings`
    await asServer(apply(`${bindings}/maxcloud-server`, tenantBinding(own)))
    // The authorizer learns of bindings through a watch, which may take a moment.
    const secret = apply(`/api/v1/namespaces/${own}/secrets/h`, secretManifest(own))
    await server.runPromise(
      send(secret).pipe(
        Effect.retry({
          while: (each: KubeError) => each.reason === "forbidden",
          schedule: Schedule.spaced(50),
          times: 100
        })
      )
    )
    expect(await rightsIn(own)).toEqual(rights([...serverRole.rules, ...tenantRole.rules]))
    expect(await rightsIn(scratchNamespace)).toEqual(rights([...serverRole.rules, ...tenantRole.rules]))
    await asServer({ method: "GET", path: `/api/v1/namespaces/${own}/secrets` })
  })

  const clusterRoleBinding = {
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRoleBinding",
    metadata: { name: `rights-${suffix}` },
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "cluster-admin" },
    subjects: tenantBinding(own).subjects
  }
  const bindingTo = (namespace: string, role: string) => ({
    ...tenantBinding(namespace),
    roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role }
  })
  const stranger = { kind: "ServiceAccount", name: "default", namespace: foreign }
  const bindings = (namespace: string) => `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}/rolebindings`
  const named = (namespace: string) => `${bindings(namespace)}/maxcloud-server`

  const attacks: ReadonlyArray<readonly [string, KubeRequest]> = [
    ["read a Secret elsewhere", { method: "GET", path: `/api/v1/namespaces/${foreign}/secrets/h` }],
    ["list all Secrets", { method: "GET", path: "/api/v1/secrets" }],
    ["watch all Secrets", { method: "GET", path: "/api/v1/secrets", query: { watch: "true", timeoutSeconds: "1" } }],
    [
      "watch the Secrets of its own namespace",
      { method: "GET", path: `/api/v1/namespaces/${own}/secrets`, query: { watch: "true", timeoutSeconds: "1" } }
    ],
    ["read an event's text by name", { method: "GET", path: `/api/v1/namespaces/${own}/events/none` }],
    ["read the platform's own Secrets", { method: "GET", path: `/api/v1/namespaces/${systemNamespace}/secrets` }],
    [
      "create a pod in kube-system",
      { method: "POST", path: "/api/v1/namespaces/kube-system/pods", body: podManifest("kube-system") }
    ],
    [
      "create a pod in its own home",
      { method: "POST", path: `/api/v1/namespaces/${systemNamespace}/pods`, body: podManifest(systemNamespace) }
    ],
    ["delete a pod of Knative", { method: "DELETE", path: "/api/v1/namespaces/knative-serving/pods/none" }],
    ["delete a namespace", { method: "DELETE", path: `/api/v1/namespaces/${foreign}` }],
    ["take over a namespace by its label", apply(`/api/v1/namespaces/${foreign}`, namespaceManifest(foreign, ours))],
    ["take over kube-system", apply("/api/v1/namespaces/kube-system", namespaceManifest("kube-system", ours))],
    [
      "create a namespace that isn't labelled as its own",
      apply(`/api/v1/namespaces/${none}`, namespaceManifest(none, {}))
    ],
    ["create a namespace without the prefix", apply("/api/v1/namespaces/argocd", namespaceManifest("argocd", ours))],
    [
      "change a namespace without the prefix",
      apply(`/api/v1/namespaces/${unprefixed}`, namespaceManifest(unprefixed, ours))
    ],
    ["bind the tenant's role in a namespace without the prefix", apply(named(unprefixed), tenantBinding(unprefixed))],
    ["delete a namespace without the prefix", { method: "DELETE", path: `/api/v1/namespaces/${unprefixed}` }],
    [
      "read a Secret in a namespace without the prefix",
      { method: "GET", path: `/api/v1/namespaces/${unprefixed}/secrets/h` }
    ],
    [
      "create a namespace that names no organization",
      apply(
        `/api/v1/namespaces/${none}`,
        namespaceManifest(none, { ...ours, "maxcloud.dev/organization-id": undefined })
      )
    ],
    [
      "give its namespace to another organization",
      apply(`/api/v1/namespaces/${own}`, namespaceManifest(own, { ...ours, "maxcloud.dev/organization-id": "org_two" }))
    ],
    [
      "create a namespace without Pod Security",
      apply(
        `/api/v1/namespaces/${none}`,
        namespaceManifest(none, { ...ours, "pod-security.kubernetes.io/enforce": "privileged" })
      )
    ],
    [
      "remove its label from its namespace",
      apply(`/api/v1/namespaces/${own}`, namespaceManifest(own, { "app.kubernetes.io/managed-by": "other" }))
    ],
    [
      "bind cluster-admin in the cluster",
      { method: "POST", path: "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", body: clusterRoleBinding }
    ],
    [
      "bind cluster-admin in its namespace",
      { method: "POST", path: bindings(own), body: { ...bindingTo(own, "cluster-admin"), metadata: { name: "x" } } }
    ],
    ["bind the tenant's role in kube-system", apply(named("kube-system"), tenantBinding("kube-system"))],
    ["bind the tenant's role in somebody else's namespace", apply(named(foreign), tenantBinding(foreign))],
    ["bind the tenant's role to somebody else", apply(named(own), { ...tenantBinding(own), subjects: [stranger] })],
    [
      "bind under another name",
      { method: "POST", path: bindings(own), body: { ...tenantBinding(own), metadata: { name: "other" } } }
    ],
    [
      "change its own ClusterRole",
      {
        method: "PATCH",
        path: "/apis/rbac.authorization.k8s.io/v1/clusterroles/maxcloud-server",
        body: { rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }] },
        contentType: "application/merge-patch+json"
      }
    ],
    [
      "get a token of another account",
      {
        method: "POST",
        path: `/api/v1/namespaces/${own}/serviceaccounts/default/token`,
        body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} }
      }
    ],
    [
      "change Knative's settings",
      {
        method: "PATCH",
        path: "/api/v1/namespaces/knative-serving/configmaps/config-network",
        body: { data: {} },
        contentType: "application/merge-patch+json"
      }
    ],
    [
      "run a program in a pod that isn't an organization's",
      { method: "POST", path: "/api/v1/namespaces/kube-system/pods/none/exec", query: { command: "id" } }
    ],
    ["read the configuration of others", { method: "GET", path: "/api/v1/namespaces/kube-system/configmaps" }],
    [
      "change a node",
      { method: "PATCH", path: "/api/v1/nodes/none", body: {}, contentType: "application/merge-patch+json" }
    ]
  ]

  it.each(attacks)("don't let it %s", async (_, request) => {
    const { message, reason } = await refusal(request)
    expect(["forbidden", "invalid"], message).toContain(reason)
    expect(message).toMatch(/forbidden|denied|may not|max-cloud's server/)
  })

  it("belong to a ServiceAccount with the name in the admission policies", async () => {
    const answer = await asServer({
      method: "POST",
      path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
      body: { apiVersion: "authentication.k8s.io/v1", kind: "SelfSubjectReview" }
    })
    expect(answer).toMatchObject({ status: { userInfo: { username: serverUser } } })
  })
})
