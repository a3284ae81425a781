import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import * as fc from "fast-check"
import { encodeAppSpec, parseAppSpec } from "./appSpec.ts"
import { allowableFields, fieldText, isAllowed, leavesOfPatch, parseRule, ruleTextOf } from "./manifestFields.ts"
import { type ManifestKind, manifestKinds } from "./manifests.ts"

const isKind = (name: string): name is ManifestKind => Object.hasOwn(manifestKinds, name)
const kinds = Object.keys(manifestKinds).filter(isKind)

const appWith = ({ manifests, patch, patches }: { manifests?: unknown; patch?: unknown; patches?: unknown }) => ({
  app: "shop",
  services: [
    {
      name: "web",
      image: "nginx:1.27",
      files: { "/etc/tls/key.pem": { secret: "KEY" } },
      ...(patch === undefined ? {} : { manifests: [{ patch: "Service", fields: patch }] }),
      ...(patches === undefined ? {} : { manifests: patches })
    }
  ],
  ...(manifests === undefined ? {} : { manifests })
})

const issuesOf = (app: unknown) =>
  Either.match(parseAppSpec(app), {
    onLeft: (issues) => issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`),
    onRight: () => []
  })

const inPod = (fields: object) => ({ spec: { template: { spec: fields } } })
const inContainer = (fields: object) => inPod({ containers: [fields] })
const annotated = (key: string) => ({ spec: { template: { metadata: { annotations: { [key]: "1" } } } } })
const configMap = (rest: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "settings", ...metadata },
  ...rest
})
const budget = (spec: object) => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: { name: "web" },
  spec: { selector: { matchLabels: { "maxcloud.dev/service": "web" } }, ...spec }
})
const json = (text: string): unknown => JSON.parse(text)

describe("a patch", () => {
  it("decodes and encodes to the same form", () => {
    const app = appWith({
      patch: {
        metadata: { annotations: { "serving.knative.dev/rollout-duration": "60s" } },
        spec: {
          template: {
            metadata: { annotations: { "autoscaling.knative.dev/window": "10s", "linkerd.io/inject": "enabled" } },
            spec: {
              nodeSelector: { "kubernetes.io/arch": "amd64" },
              volumes: [
                { name: "settings", configMap: { name: "settings", items: [{ key: "a", path: "b/c" }] } },
                { name: "cache", emptyDir: { sizeLimit: "64Mi", medium: "Memory" } }
              ],
              containers: [
                {
                  name: "user-container",
                  workingDir: "/srv",
                  resources: { limits: { "nvidia.com/gpu": "1", "ephemeral-storage": "2Gi" } },
                  securityContext: { runAsUser: 1000, readOnlyRootFilesystem: true },
                  volumeMounts: [{ name: "settings", mountPath: "/etc/settings", readOnly: true }]
                }
              ]
            }
          }
        }
      },
      manifests: [configMap({ data: { "app.conf": "x" } }), budget({ maxUnavailable: "50%" })]
    })
    expect(issuesOf(app)).toEqual([])
    const spec = Either.getOrThrow(parseAppSpec(app))
    const encoded = encodeAppSpec(spec)
    expect(encoded.manifests).toEqual(app.manifests)
    expect(encoded.services[0]?.manifests).toEqual(app.services[0]?.manifests)
    expect(Either.getOrThrow(parseAppSpec(encoded))).toEqual(spec)
  })

  it.each<readonly [string, unknown, string]>([
    ["hostNetwork", inPod({ hostNetwork: true }), "hostNetwork"],
    ["hostPID in another case", inPod({ HostPID: true }), "HostPID"],
    ["the deprecated account", inPod({ serviceAccount: "default" }), "serviceAccount"],
    ["the account", inPod({ serviceAccountName: "default" }), "serviceAccountName"],
    ["a token", inPod({ automountServiceAccountToken: true }), "automountServiceAccountToken"],
    ["a priority class", inPod({ priorityClassName: "system-node-critical" }), "priorityClassName"],
    ["a runtime class", inPod({ runtimeClassName: "runc" }), "runtimeClassName"],
    ["init containers", inPod({ initContainers: [] }), "initContainers"],
    ["ephemeral containers", inPod({ ephemeralContainers: [] }), "ephemeralContainers"],
    ["pull secrets", inPod({ imagePullSecrets: [] }), "imagePullSecrets"],
    ["concurrency", inPod({ containerConcurrency: 0 }), "containerConcurrency"],
    ["a node", inPod({ nodeName: "node-0" }), "nodeName"],
    ["a second container", inPod({ containers: [{}, {}] }), "one container"],
    ["another container", inContainer({ name: "queue-proxy" }), "user-container"],
    ["an image", inContainer({ image: "evil" }), "image"],
    ["a Secret's variables", inContainer({ envFrom: [{ secretRef: { name: "web-1" } }] }), "envFrom"],
    ["variables", inContainer({ env: [] }), "env"],
    ["ports", inContainer({ ports: [] }), "ports"],
    ["cpu", inContainer({ resources: { limits: { cpu: "64" } } }), "Quotas count cpu"],
    ["memory", inContainer({ resources: { requests: { memory: "1Ti" } } }), "Quotas count memory"],
    ["huge pages", inContainer({ resources: { limits: { "hugepages-2Mi": "1" } } }), "hugepages-2Mi"],
    ["root", inContainer({ securityContext: { runAsUser: 0 } }), "above 0, which is root"],
    ["a privileged container", inContainer({ securityContext: { privileged: true } }), "privileged"],
    ["capabilities", inContainer({ securityContext: { capabilities: { add: ["SYS_ADMIN"] } } }), "capabilities"],
    ["a writable root", inContainer({ securityContext: { readOnlyRootFilesystem: false } }), "true"],
    ["a host's folder", inPod({ volumes: [{ name: "a", hostPath: { path: "/" } }] }), "hostPath"],
    ["a Secret's volume", inPod({ volumes: [{ name: "a", secret: { secretName: "b" } }] }), "secret"],
    ["a projected token", inPod({ volumes: [{ name: "a", projected: {} }] }), "projected"],
    [
      "a volume of two kinds",
      inPod({ volumes: [{ name: "a", configMap: { name: "b" }, emptyDir: { sizeLimit: "1Mi" } }] }),
      "Set one"
    ],
    ["a volume without a limit", inPod({ volumes: [{ name: "a", emptyDir: {} }] }), "sizeLimit"],
    ["another app's ConfigMap", inPod({ volumes: [{ name: "a", configMap: { name: "kube-root-ca.crt" } }] }), "name"],
    ["a missing ConfigMap", inPod({ volumes: [{ name: "a", configMap: { name: "b" } }] }), 'no ConfigMap "b"'],
    ["the volume of secrets", inContainer({ volumeMounts: [{ name: "secrets", mountPath: "/a" }] }), '"secrets"'],
    ["volumes as an object", inPod({ volumes: { 0: { name: "a" } } }), "list"],
    ["fields as a list", [{ metadata: {} }], "object"],
    ["a removal", inPod({ volumes: null }), "list"],
    ["traffic", { spec: { traffic: [] } }, "traffic"],
    ["a name", { metadata: { name: "other" } }, "name"],
    ["a namespace", { metadata: { namespace: "other" } }, "namespace"],
    ["a status", { status: {} }, "status"],
    ["finalizers", { metadata: { finalizers: ["a"] } }, "finalizers"],
    ["owners", { metadata: { ownerReferences: [] } }, "ownerReferences"],
    ["labels", { metadata: { labels: { "networking.knative.dev/visibility": "" } } }, "labels"],
    ["links", { metadata: { annotations: { "maxcloud.dev/links": "api" } } }, "reserves"],
    ["another ingress", { metadata: { annotations: { "networking.knative.dev/ingress.class": "istio" } } }, "reserves"],
    ["a rollout on the template", annotated("serving.knative.dev/rollout-duration"), "reserves"],
    ["more instances", annotated("autoscaling.knative.dev/max-scale"), "scale"],
    ["a Knative key in another case", annotated("Autoscaling.knative.dev/window"), "annotation"],
    ["a larger queue-proxy", annotated("queue.sidecar.serving.knative.dev/cpu-resource-limit"), "reserves"],
    ["a prefix that ends like ours", annotated("x.maxcloud.dev/a"), "reserves"],
    ["two slashes", annotated("a/b/c"), "annotation"],
    ["a JSON pointer", json('{"/spec/template/spec/hostNetwork": true}'), "Unknown key"],
    ["__proto__ as a field", json('{"__proto__": {"spec": {}}}'), "__proto__"],
    ["__proto__ inside", json('{"spec": {"template": {"spec": {"__proto__": {"hostNetwork": true}}}}}'), "__proto__"],
    ["__proto__ as a key", json('{"metadata": {"annotations": {"__proto__": "a"}}}'), "__proto__"],
    ["constructor", json('{"constructor": {"prototype": {}}}'), "constructor"]
  ])("can't have %s", (_, patch, words) => {
    const issues = issuesOf(appWith({ patch }))
    expect(issues.length).toBeGreaterThan(0)
    expect(issues.join("\n")).toContain(words)
    expect(issues[0]).toMatch(/^services\.0\.manifests\.0/)
  })

  it.each<readonly [string, unknown, string]>([
    ["a policy", [{ patch: "NetworkPolicy", fields: {} }], 'Expected "Service" or "ServiceAccount"'],
    ["a Secret", [{ patch: "Secret", fields: {} }], 'Expected "Service" or "ServiceAccount"'],
    ["an object that isn't its own", [{ patch: "Service", name: "other", fields: {} }], "name"],
    [
      "the same kind twice",
      [
        { patch: "Service", fields: {} },
        { patch: "Service", fields: {} }
      ],
      "Merge them into one"
    ],
    ["pull secrets", [{ patch: "ServiceAccount", fields: { imagePullSecrets: [] } }], "imagePullSecrets"],
    ["an object", [configMap()], "patch"],
    ["an invalid object", ["ConfigMap"], "object"]
  ])("of a service can't be %s", (_, patches, words) => {
    expect(issuesOf(appWith({ patches })).join("\n")).toContain(words)
  })

  it("reports mounts that hide each other", () => {
    const cache = { name: "cache", emptyDir: { sizeLimit: "1Mi" } }
    const mounted = (...paths: ReadonlyArray<string>) =>
      issuesOf(
        appWith({
          patch: inPod({
            volumes: [cache],
            containers: [{ volumeMounts: paths.map((mountPath) => ({ name: "cache", mountPath })) }]
          })
        })
      )
    expect(mounted("/cache", "/etc/tlsx")).toEqual([])
    for (const paths of [["/etc/tls"], ["/etc/tls/key.pem/x"], ["/a", "/a/b"], ["/a", "/a"]]) {
      expect(mounted(...paths).join()).toContain("hide each other")
    }
    expect(mounted("/proc/1").join()).toContain("/proc")
    expect(mounted("/a//b").join()).toContain("/a//b")
  })
})

describe("an object of the app's own", () => {
  it.each<readonly [string, unknown, string]>([
    ["a Secret", { ...configMap(), kind: "Secret" }, 'Expected "ConfigMap" or "PodDisruptionBudget"'],
    [
      "RBAC",
      { ...configMap(), apiVersion: "rbac.authorization.k8s.io/v1", kind: "RoleBinding" },
      'Expected "ConfigMap" or "PodDisruptionBudget"'
    ],
    [
      "a list of objects",
      { apiVersion: "v1", kind: "List", items: [] },
      'Expected "ConfigMap" or "PodDisruptionBudget"'
    ],
    ["a kind in another case", { ...configMap(), kind: "configmap" }, 'Expected "ConfigMap" or "PodDisruptionBudget"'],
    ["a kind of another group", { ...configMap(), apiVersion: "example.com/v1" }, "apiVersion"],
    ["another namespace", configMap({}, { namespace: "kube-system" }), "namespace"],
    ["a generated name", configMap({}, { generateName: "a-" }), "generateName"],
    ["owners", configMap({}, { ownerReferences: [] }), "ownerReferences"],
    ["finalizers", configMap({}, { finalizers: ["a/b"] }), "finalizers"],
    ["a uid", configMap({}, { uid: "1" }), "uid"],
    ["our labels", configMap({}, { labels: { "app.kubernetes.io/managed-by": "me" } }), "reserves"],
    ["our annotations", configMap({}, { annotations: { "maxcloud.dev/secret-parts": "{}" } }), "reserves"],
    ["a path as a name", configMap({}, { name: "a/../b" }), "isn't a valid name"],
    ["a name of the cluster", configMap({}, { name: "kube-root-ca" }), "platform uses"],
    ["a status", budget({ minAvailable: 1, status: {} }), "status"],
    ["an unlimited budget", budget({}), "either"],
    ["two limits", budget({ minAvailable: 1, maxUnavailable: 1 }), "either"],
    [
      "another app's pods",
      budget({ minAvailable: 1, selector: { matchLabels: { "maxcloud.dev/app": "a" } } }),
      "maxcloud.dev"
    ],
    [
      "a missing service",
      budget({ minAvailable: 1, selector: { matchLabels: { "maxcloud.dev/service": "x" } } }),
      "isn't a service"
    ],
    ["all pods", budget({ minAvailable: 1, selector: {} }), "matchLabels"],
    ["bytes instead of texts", configMap({ data: { a: 1 } }), "text"],
    ["a file above its folder", configMap({ data: { "../a": "" } }), "isn't a valid key"],
    [
      "__proto__ as a key",
      json('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x"}}'),
      "__proto__"
    ],
    ["a patch", { patch: "Service", fields: {} }, "manifests.0"]
  ])("can't be or have %s", (_, object, words) => {
    expect(issuesOf(appWith({ manifests: [object] })).join("\n")).toContain(words)
  })

  it("has a unique name", () => {
    expect(issuesOf(appWith({ manifests: [configMap(), configMap()] })).join()).toContain("Two objects")
  })

  it("has bounds", () => {
    const many = Array.from({ length: 51 }, (_, index) => configMap({}, { name: `a${index}` }))
    expect(issuesOf(appWith({ manifests: many })).join()).toContain("up to 50")
    expect(issuesOf(appWith({ manifests: [configMap({ data: { a: "x".repeat(131_073) } })] })).join()).toContain(
      "131072"
    )
    const keys = Object.fromEntries(Array.from({ length: 65 }, (_, index) => [`k${index}`, ""]))
    expect(issuesOf(appWith({ manifests: [configMap({ data: keys })] })).join()).toContain("up to 64")
  })
})

describe("a rule of the operator", () => {
  it("can name every field, and formats to the text that it parsed", () => {
    for (const kind of kinds) {
      for (const { field, text } of allowableFields(kind)) {
        const written = `${kind}:${field.replace("[…]", "[example.com/a]")}`
        const rule = parseRule(written)
        expect([written, rule === undefined ? undefined : ruleTextOf(rule)]).toEqual([written, written])
        expect([written, text]).not.toEqual([written, ""])
      }
    }
  })

  it.each([
    "Secret",
    "service",
    "Service:spec.template.spec.hostNetwork",
    "Service:spec.template.metadata.annotations",
    "Service:spec..template",
    "Service:.spec",
    "Service:",
    "Service:spec.template.spec.containers[user-container].image",
    "Service:spec.template.spec.volumes[a].hostPath",
    "ConfigMap:kind",
    "ConfigMap:metadata.name",
    "ConfigMap:__proto__",
    "ConfigMap:constructor",
    "__proto__",
    "*"
  ])("can't be %s", (text) => {
    expect(parseRule(text)).toBeUndefined()
  })

  it("allows its field and everything in it, but entries of open maps only by their key", () => {
    const rules = (...texts: ReadonlyArray<string>) =>
      texts.map((text) => parseRule(text) ?? expect.unreachable(`not a rule: ${text}`))
    const window = ["spec", "template", "metadata", "annotations", "autoscaling.knative.dev/window"]
    expect(isAllowed([], "Service", window)).toBe(false)
    expect(isAllowed(rules("Service"), "Service", window)).toBe(false)
    expect(isAllowed(rules("Service:spec"), "Service", window)).toBe(false)
    expect(isAllowed(rules(`Service:${fieldText(window)}`), "Service", window)).toBe(true)
    expect(isAllowed(rules(`Service:${fieldText(window)}`), "ServiceAccount", window)).toBe(false)
    const user = ["spec", "template", "spec", "containers", "user-container", "securityContext", "runAsUser"]
    expect(isAllowed(rules("Service:spec.template.spec.containers"), "Service", user)).toBe(true)
    expect(isAllowed(rules("Service:spec.template.spec.volumes"), "Service", user)).toBe(false)
    expect(isAllowed(rules("ConfigMap"), "ConfigMap", ["data", "labels"])).toBe(true)
    expect(isAllowed(rules("ConfigMap"), "ConfigMap", ["metadata", "labels", "team"])).toBe(false)
  })

  it("never throws, whatever it is", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `Service:${text}`)
        ),
        (text) => {
          const rule = parseRule(text)
          if (rule !== undefined) expect(parseRule(ruleTextOf(rule))).toEqual(rule)
        }
      )
    )
  })
})

it("names the fields of a patch by their lists' merge keys", () => {
  const [patch] = Either.getOrThrow(
    parseAppSpec(
      appWith({
        patch: inPod({
          volumes: [{ name: "cache", emptyDir: { sizeLimit: "1Mi" } }],
          containers: [{ securityContext: { runAsUser: 7 }, volumeMounts: [{ name: "cache", mountPath: "/c" }] }]
        })
      })
    )
  ).services.flatMap((service) => service.manifests ?? [])
  expect(patch === undefined ? [] : leavesOfPatch(patch).map(({ steps }) => fieldText(steps))).toEqual([
    "spec.template.spec.volumes[cache]",
    "spec.template.spec.containers[user-container].securityContext.runAsUser",
    "spec.template.spec.containers[user-container].volumeMounts[/c]"
  ])
})
