import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { NoAnswer } from "../../../runtimes/kubeApi/askByHost.ts"
import { KubeApi, KubeError, type KubeRequest } from "../../../runtimes/kubeApi/KubeApi.ts"
import { knativeNamespace, managedLabel, systemNamespace } from "../../../runtimes/kubeApi/systemNames.ts"
import { check } from "../check.ts"
import { type InstallStep, install } from "../install.ts"
import { pathOfManifest } from "../installKinds.ts"
import { installManifests } from "../installManifests.ts"
import { knativeSettings } from "../knativeSettings.ts"

const image = "registry.example.com/maxcloud:1"
const domain = "apps.example.com"
const manifests = installManifests({ image, namespacePrefix: "mc-" })
const settings = knativeSettings({ domain, gateway: true, namespacePrefix: "mc-" })

const failure = (reason: KubeError["reason"], status: number, message: string) =>
  new KubeError({ reason, status, statusReason: "", message, causes: [] })

const configMap = (name: string) => ({
  data: {
    ...Object.fromEntries(settings.filter((one) => one.configMap === name).map(({ key, value }) => [key, value])),
    ...(name === "config-network" ? { "ingress-class": "kourier.ingress.networking.knative.dev" } : {})
  },
  metadata: {}
})

const kube = (path: string) => `/api/v1/namespaces/${path}`
const slices = (namespace: string, service: string) =>
  `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices ${service}`
const probePath = `/apis/serving.knative.dev/v1/namespaces/${systemNamespace}/services`
const dryRunPath = "/apis/serving.knative.dev/v1/namespaces/default/services"
const ready = { status: { url: "http://probe.example.com", conditions: [{ type: "Ready", status: "True" }] } }

type Answer = unknown

/** A fake cluster on which everything is right, with some of its answers replaced. `undefined`: 404. */
const fakeCluster = (broken: Readonly<Record<string, Answer>>) => {
  const requests: Array<string> = []
  const endpoints = { items: [{ endpoints: [{ conditions: { ready: true } }] }] }
  const good: Record<string, Answer> = {
    "GET /version": { major: "1", minor: "34", gitVersion: "v1.34.0" },
    "GET /apis/serving.knative.dev/v1": {
      resources: ["services", "routes", "configurations", "revisions"].map((name) => ({ name }))
    },
    [`POST ${dryRunPath} 0`]: { metadata: { annotations: { "serving.knative.dev/creator": "admin" } } },
    [`POST ${dryRunPath} -1`]: failure("invalid", 400, "expected 0 <= -1"),
    "POST review create clusterroles": { status: { allowed: true } },
    "POST review create clusterrolebindings": { status: { allowed: true } },
    "POST review create namespaces": { status: { allowed: true } },
    "POST review watch services": { status: { allowed: true } },
    "POST review watch pods": { status: { allowed: true } },
    "POST review list secrets": { status: { allowed: false } },
    [`GET ${kube(`${knativeNamespace}/services/activator-service`)}`]: {},
    [`GET ${kube(`${knativeNamespace}/services/autoscaler`)}`]: {},
    [`GET ${kube("kourier-system/services/kourier")}`]: {},
    [`GET ${kube("kourier-system/services/kourier-internal")}`]: {},
    [`GET ${slices(knativeNamespace, "activator-service")}`]: endpoints,
    [`GET ${slices(knativeNamespace, "autoscaler")}`]: endpoints,
    [`GET ${slices("kourier-system", "kourier")}`]: endpoints,
    [`GET ${slices("kourier-system", "kourier-internal")}`]: endpoints,
    [`GET ${kube("kourier-system/pods")}`]: { items: [{ metadata: { name: "envoy" }, status: { phase: "Running" } }] },
    "GET /apis/node.k8s.io/v1/runtimeclasses/gvisor": {},
    [`POST ${probePath}`]: {},
    [`GET ${probePath}/probe`]: ready,
    [`DELETE ${probePath}/probe`]: {},
    // What the cluster says about its own addresses.
    "GET /apis/networking.k8s.io/v1/servicecidrs": { items: [{ spec: { cidrs: ["10.96.0.0/16"] } }] },
    "GET /api/v1/nodes": {
      items: [{ spec: { podCIDR: "10.244.0.0/24", podCIDRs: ["10.244.0.0/24"] }, status: { addresses: [] } }]
    },
    "GET /api/v1/services": { items: [{ spec: { clusterIPs: ["10.96.0.1"] } }] },
    "GET /api/v1/pods": { items: [{ spec: {}, status: { podIPs: [{ ip: "10.244.0.9" }] } }] },
    "GET /apis/discovery.k8s.io/v1/endpointslices": { items: [] },
    "GET /api/v1/namespaces": { items: [] }
  }
  for (const name of new Set(settings.map(({ configMap }) => configMap))) {
    good[`GET ${kube(`${knativeNamespace}/configmaps/${name}`)}`] = configMap(name)
  }
  for (const manifest of manifests) {
    const path = pathOfManifest(manifest)
    const object = manifest.kind === "Deployment" ? { ...manifest, status: { readyReplicas: 2 } } : manifest
    good[`GET ${path}`] = object
    good[`PATCH ${path}`] = object
  }
  const answers: Readonly<Record<string, Answer>> = { ...good, ...broken }

  const keyOf = ({ body, method, path, query }: KubeRequest) => {
    const text = JSON.stringify(body)
    const review = /"verb":"(\w+)"/.exec(text ?? "")?.[1]
    const resource = /"resource":"(\w+)"/.exec(text ?? "")?.[1]
    if (review !== undefined) return `${method} review ${review} ${resource}`
    if (method === "POST" && path === dryRunPath) {
      expect(query).toMatchObject({ dryRun: "All" })
      return `${method} ${path} ${/"containerConcurrency":(-?\d+)/.exec(text)?.[1]}`
    }
    const service = /service-name=(\S+)/.exec(query?.["labelSelector"] ?? "")?.[1]
    return `${method} ${path.replace(/maxcloud-probe-[0-9a-f]+$/, "probe")}${service === undefined ? "" : ` ${service}`}`
  }
  const layer = Layer.mock(KubeApi, {
    server: "https://fake",
    awaySince: () => 0,
    request: (request: KubeRequest) => {
      const key = keyOf(request)
      requests.push(key)
      const answer = answers[key]
      if (answer instanceof KubeError) return answer
      return answer === undefined ? failure("notFound", 404, `${key} not found`) : Effect.succeed(answer)
    }
  })
  return { layer, requests }
}

type Gateway = (host: string) => number | NoAnswer
const well: Gateway = (host) => (host === "probe.example.com" ? 200 : 404)

const checked = (broken: Readonly<Record<string, Answer>>, gateway: Gateway = well) => {
  const { layer, requests } = fakeCluster(broken)
  const ask = (path: string, host: string) => {
    expect(path).toBe("/api/v1/namespaces/kourier-system/pods/envoy:8080/proxy/")
    const status = gateway(host)
    return typeof status === "number" ? Effect.succeed({ status, text: "" }) : status
  }
  return Effect.map(Effect.provide(check({ domain, namespacePrefix: "mc-" }, ask), layer), (results) => ({
    results,
    requests,
    failed: results.filter(({ result }) => result === "failed")
  }))
}

const dead = { items: [{ endpoints: [{ conditions: { ready: false } }] }] }
const network = `GET ${kube(`${knativeNamespace}/configmaps/config-network`)}`

/** How each check is broken: its name, the broken answers, and the fault that it shows. */
const breaks: ReadonlyArray<readonly [string, Readonly<Record<string, Answer>>, RegExp]> = [
  ["kubernetes", { "GET /version": { major: "1", minor: "29+", gitVersion: "v1.29.3" } }, /runs Kubernetes v1\.29\.3/],
  [
    "right to install clusterroles",
    { "POST review create clusterroles": { status: { allowed: false } } },
    /may not create clusterroles/
  ],
  [
    "right to install clusterrolebindings",
    { "POST review create clusterrolebindings": failure("forbidden", 403, "no") },
    /no/
  ],
  ["knative", { "GET /apis/serving.knative.dev/v1": undefined }, /Knative Serving isn't installed/],
  [
    "knative",
    { "GET /apis/serving.knative.dev/v1": { resources: [{ name: "services" }] } },
    /lacks its kinds routes, configurations, revisions/
  ],
  [
    "knative webhook accepts",
    { [`POST ${dryRunPath} 0`]: failure("unreachable", 500, "failed calling webhook") },
    /refuses a valid service: failed calling webhook/
  ],
  ["knative webhook accepts", { [`POST ${dryRunPath} 0`]: { metadata: {} } }, /doesn't complete services/],
  ["knative webhook refuses", { [`POST ${dryRunPath} -1`]: {} }, /accepts an invalid service/],
  ["knative activator", { [`GET ${slices(knativeNamespace, "activator-service")}`]: dead }, /activator runs nowhere/],
  [
    "knative autoscaler",
    { [`GET ${kube(`${knativeNamespace}/services/autoscaler`)}`]: undefined },
    /no Service knative-serving\/autoscaler/
  ],
  [
    "kourier settings",
    { [`GET ${kube(`${knativeNamespace}/configmaps/config-kourier`)}`]: undefined },
    /no ConfigMap config-kourier/
  ],
  [
    "kourier ingress class",
    { [network]: { data: { ...configMap("config-network").data, "ingress-class": "istio" }, metadata: {} } },
    /ingress class is istio/
  ],
  [
    "kourier gateway",
    { [`GET ${kube("kourier-system/services/kourier")}`]: undefined },
    /Kourier's gateway for the outside is missing/
  ],
  [
    "kourier gateway",
    { [`GET ${slices("kourier-system", "kourier")}`]: { items: [{ endpoints: null }] } },
    /has no ready endpoint/
  ],
  [
    "kourier internal gateway",
    { [`GET ${slices("kourier-system", "kourier-internal")}`]: { items: [] } },
    /has no ready endpoint/
  ],
  [
    "server creates namespaces",
    { "POST review create namespaces": { status: { allowed: false } } },
    /may not create namespaces/
  ],
  [
    "server watches services",
    { "POST review watch services": { status: { allowed: false } } },
    /may not watch services/
  ],
  ["server watches pods", { "POST review watch pods": { status: { allowed: false } } }, /may not watch pods/],
  [
    "server reads no secrets",
    { "POST review list secrets": { status: { allowed: true } } },
    /may list secrets in the whole cluster/
  ],
  [
    "addresses of pods",
    { "GET /api/v1/pods": { items: [{ spec: {}, status: { podIPs: [{ ip: "172.30.0.9" }] } }] } },
    /addresses of pods/
  ],
  [
    "addresses of Services",
    { "GET /api/v1/services": { items: [{ spec: { clusterIPs: ["172.20.0.1"] } }] } },
    /addresses of Services/
  ],
  [
    "gateway serves",
    { [`GET ${probePath}/probe`]: failure("unreachable", 500, "the API server broke") },
    /the API server broke/
  ],
  [
    "gateway decides",
    {
      [`GET ${kube("kourier-system/pods")}`]: { items: [{ metadata: { name: "envoy" }, status: { phase: "Pending" } }] }
    },
    /no pod of Kourier's gateway runs/
  ]
]

describe("maxcloud cluster check", () => {
  it.live("fails if the cluster has no sandbox, and for each fault of installed servers", () =>
    Effect.gen(function* () {
      const unsandboxed = yield* checked({ "GET /apis/node.k8s.io/v1/runtimeclasses/gvisor": undefined })
      expect(unsandboxed.failed.map(({ name }) => name)).toStrictEqual(["runtime class gvisor"])
      const server = {
        metadata: { labels: managedLabel },
        spec: { replicas: 2, template: { spec: { containers: [{ image }] } } },
        status: { readyReplicas: 1 }
      }
      const { results } = yield* checked({
        [`GET /apis/apps/v1/namespaces/${systemNamespace}/deployments/maxcloud-server`]: server
      })
      const messageOf = (name: string) => results.find((one) => one.name === name && one.result === "failed")?.message
      expect(messageOf("server secret")).toMatch(/settings is missing/)
      expect(messageOf("server logs")).toMatch(/isn't s3 or loki/)
      expect(messageOf("servers ready")).toBe("only 1 of 2 servers are ready")
    })
  )

  it.live("knows the servers' logs from where their container gets the setting", () =>
    Effect.gen(function* () {
      const server = (more: object) => ({
        metadata: { labels: managedLabel },
        spec: { replicas: 2, template: { spec: { containers: [{ image, ...more }] } } },
        status: { readyReplicas: 2 }
      })
      const envFrom = [
        { configMapRef: { name: "maxcloud-server", optional: true } },
        { secretRef: { name: "maxcloud-server" } }
      ]
      const secretWith = (key: string) => ({
        metadata: { managedFields: [{ fieldsV1: { "f:data": { [`f:${key}`]: {} } } }] }
      })
      const shared = (more: object, key: string, data: Readonly<Record<string, string>>) =>
        Effect.map(
          checked({
            [`GET /apis/apps/v1/namespaces/${systemNamespace}/deployments/maxcloud-server`]: server(more),
            [`GET ${kube(`${systemNamespace}/secrets/maxcloud-server`)}`]: secretWith(key),
            [`GET ${kube(`${systemNamespace}/configmaps/maxcloud-server`)}`]: { data }
          }),
          ({ results }) => results.find(({ name }) => name === "server logs")?.result
        )
      expect(yield* shared({ envFrom }, "MAXCLOUD_LOGS", {})).toBe("ok")
      expect(yield* shared({ envFrom }, "DATABASE_URL", {})).toBe("failed")
      expect(yield* shared({ envFrom }, "DATABASE_URL", { MAXCLOUD_LOGS: "loki" })).toBe("ok")
      expect(yield* shared({ envFrom }, "DATABASE_URL", { MAXCLOUD_LOGS: "disk" })).toBe("failed")
      expect(yield* shared({}, "MAXCLOUD_LOGS", { MAXCLOUD_LOGS: "loki" })).toBe("failed")
      const env = [{ name: "MAXCLOUD_LOGS", value: "disk" }]
      expect(yield* shared({ env, envFrom }, "MAXCLOUD_LOGS", {})).toBe("failed")
    })
  )

  it.live("passes on a cluster where all is well, with a real request to a probe service that it removes", () =>
    Effect.gen(function* () {
      const { requests, results } = yield* checked({})
      expect(results.filter(({ result }) => result !== "ok")).toStrictEqual([])
      expect(results.length).toBeGreaterThanOrEqual(25)
      expect(new Set(results.map(({ name }) => name)).size).toBe(results.length)
      expect(
        requests.filter((request) => request.includes(`${probePath}`)).map((request) => request.split(" ")[0])
      ).toStrictEqual(["POST", "GET", "DELETE"])
      // Nothing else is changed: dry runs only.
      expect(requests.filter((request) => request.startsWith("DELETE"))).toHaveLength(1)
    })
  )

  it.live.each(breaks)("fails for a broken part: %s", ([name, broken, message]) =>
    Effect.gen(function* () {
      const { failed, results } = yield* checked(broken)
      const found = failed.find((one) => one.name === name)
      expect(found?.message).toMatch(message)
      expect(found?.fix).toMatch(/./)
      // Others fail only if they're about the same part; what needs it is skipped.
      for (const { message: why, result } of results)
        if (result === "skipped") expect(why).toMatch(/^needs the check "/)
    })
  )

  it.live.each(manifests.map((manifest) => [`${manifest.kind} ${manifest.metadata.name}`, manifest] as const))(
    "fails if an object is missing or differs: %s",
    ([_, manifest]) =>
      Effect.gen(function* () {
        const path = pathOfManifest(manifest)
        const missing = yield* checked({ [`GET ${path}`]: undefined })
        expect(missing.failed.map(({ message }) => message).join("\n")).toMatch(/is missing|no authorizer/)
        const other = { ...manifest, metadata: { ...manifest.metadata, labels: { changed: "yes" } } }
        const changed = yield* checked({ [`GET ${path}`]: { ...other, status: { readyReplicas: 2 } } })
        expect(changed.failed.map(({ message }) => message).join("\n")).toMatch(/differs from what was installed/)
      })
  )

  it.live.each(settings.map((setting) => [`${setting.configMap} ${setting.key}`, setting] as const))(
    "fails if a setting has another value: %s",
    ([name, setting]) =>
      Effect.gen(function* () {
        const map = configMap(setting.configMap)
        const { failed } = yield* checked({
          [`GET ${kube(`${knativeNamespace}/configmaps/${setting.configMap}`)}`]: {
            ...map,
            data: { ...map.data, [setting.key]: "another" }
          }
        })
        expect(failed.map((one) => one.name)).toStrictEqual([name])
        expect(failed[0]?.message).toContain(setting.why)
      })
  )

  it.live("fails if the authorizer is missing, or its instances aren't ready", () =>
    Effect.gen(function* () {
      const path = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/maxcloud-gateway`
      const none = yield* checked({ [`GET ${path}`]: undefined })
      expect(none.results.find(({ name }) => name === "authorizer installed")?.message).toMatch(/has no authorizer/)
      expect(none.results.find(({ name }) => name === "authorizer ready")?.result).toBe("skipped")
      const manifest = manifests.find(({ kind }) => kind === "Deployment")
      const stopped = yield* checked({ [`GET ${path}`]: { ...manifest, status: {} } })
      expect(stopped.failed.map(({ message }) => message)).toStrictEqual([
        "only 0 of 2 instances of the gateway's authorizer are ready, so every request is refused"
      ])
    })
  )

  it.live.each<[string, Gateway, string, RegExp, RegExp]>([
    [
      "refuses every request",
      () => 403,
      "gateway decides",
      /refuses every request \(403 from envoy\)/,
      /rollout restart deployment\/net-kourier-controller/
    ],
    ["is broken", () => 502, "gateway decides", /answers 502 for an unknown host/, /logs envoy/],
    [
      "doesn't answer",
      () => new NoAnswer({ message: "no answer within 15 s" }),
      "gateway decides",
      /doesn't answer: no answer within 15 s/,
      /describe pod envoy/
    ]
  ])("fails if the gateway %s, and then tries no probe service", ([_, gateway, name, message, fix]) =>
    Effect.gen(function* () {
      const { failed, requests, results } = yield* checked({}, gateway)
      expect(failed.map((one) => one.name)).toStrictEqual([name])
      expect(failed[0]?.message).toMatch(message)
      expect(failed[0]?.fix).toMatch(fix)
      expect(results.at(-1)).toMatchObject({ name: "gateway serves", result: "skipped" })
      expect(requests).not.toContain(`POST ${probePath}`)
    })
  )
})

describe("maxcloud cluster install --dry-run", () => {
  const dryRun = (broken: Readonly<Record<string, Answer>>) => {
    const { layer, requests } = fakeCluster(broken)
    const steps: Array<InstallStep> = []
    const input = { image, domain, namespacePrefix: "mc-", dryRun: true, force: false, keepKnativeSettings: false }
    return install({ ...input, onStep: (step) => steps.push(step) }).pipe(
      Effect.provide(layer),
      Effect.map(() => ({ steps, requests, restarts: steps.filter(({ step }) => step === "restarts") }))
    )
  }

  it.live("announces the restart of Kourier's controller and the rollout of instances, and restarts nothing", () =>
    Effect.gen(function* () {
      const gateway = `/apis/apps/v1/namespaces/${systemNamespace}/deployments/maxcloud-gateway`
      const kourier = `GET ${kube(`${knativeNamespace}/configmaps/config-kourier`)}`
      const { requests, restarts, steps } = yield* dryRun({
        [kourier]: { data: {}, metadata: {} },
        [`GET ${gateway}`]: { metadata: {} }
      })
      expect(restarts).toHaveLength(1)
      expect(restarts[0]?.what).toBe("Deployment knative-serving/net-kourier-controller")
      expect(restarts[0]?.detail).toMatch(/the gateway refuses requests with 403/)
      expect(steps.find(({ what }) => what === `Deployment ${systemNamespace}/maxcloud-gateway`)).toMatchObject({
        step: "changed",
        detail: "its instances are replaced one after the other, without a pause"
      })
      expect(requests.some((request) => request.includes("net-kourier-controller"))).toBe(false)
    })
  )

  it.live("announces no restart if Kourier already asks the authorizer", () =>
    Effect.gen(function* () {
      const { restarts, steps } = yield* dryRun({})
      expect(restarts).toStrictEqual([])
      expect(steps.every(({ step }) => step === "unchanged")).toBe(true)
    })
  )
})
