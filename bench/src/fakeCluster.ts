import type { IncomingMessage, RequestListener, ServerResponse } from "node:http"

/** A fake API server with services and the objects that Knative would create for them, but without pods. */
export interface FakeCluster {
  readonly answer: RequestListener
  /** Changes the status of a service, and notifies its watchers. */
  readonly touch: (index: number) => void
}

const organizationId = `org_${"0".repeat(32)}`

const conditions = (...types: ReadonlyArray<string>) =>
  types.map((type) => ({ type, status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }))

const fieldsOf = (tree: Readonly<Record<string, unknown>>) => ({
  "f:metadata": {
    "f:labels": {
      "f:app.kubernetes.io/managed-by": {},
      "f:maxcloud.dev/app": {},
      "f:maxcloud.dev/organization": {},
      "f:maxcloud.dev/service": {},
      "f:maxcloud.dev/stage": {}
    }
  },
  ...tree
})

/** Serves lists and watches from memory. It creates each page and event on demand, so that this process needs little memory. */
export const makeFakeCluster = (services: number, namespaces: number): FakeCluster => {
  let version = 1_000_000
  const versions = new Map<number, number>()
  const watchers = new Set<ServerResponse>()
  const organizationOf = (index: number) => `org-${index % namespaces}`

  const metadata = (
    name: string,
    namespace: string,
    organization: string,
    own: Readonly<Record<string, unknown>>,
    service?: string
  ) => ({
    name,
    ...(namespace === "" ? {} : { namespace }),
    uid: `${name}-${namespace}-00000000-0000-4000-8000-000000000000`.slice(0, 48),
    resourceVersion: "1000000",
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: {
      "app.kubernetes.io/managed-by": "maxcloud",
      "maxcloud.dev/organization": organization,
      "maxcloud.dev/stage": "production",
      ...(service === undefined
        ? { "maxcloud.dev/organization-id": organizationId }
        : { "maxcloud.dev/app": "shop", "maxcloud.dev/service": service })
    },
    managedFields: [
      {
        manager: "maxcloud",
        operation: "Apply",
        apiVersion: "v1",
        time: "2026-01-01T00:00:00Z",
        fieldsType: "FieldsV1",
        fieldsV1: fieldsOf(own)
      }
    ]
  })
  const ofService = (index: number, kind: string, own: Readonly<Record<string, unknown>>, suffix = "") => {
    const name = `service-${index}`
    const meta = metadata(`${name}${suffix}`, organizationOf(index), organizationOf(index), own, name)
    return { kind, metadata: { ...meta, uid: `${kind}-${meta.uid}` } }
  }
  const spec = (index: number) => ({
    containerConcurrency: 0,
    timeoutSeconds: 300,
    containers: [
      {
        name: "user-container",
        image: `registry.example.com/shop/service-${index}@sha256:${"0123456789abcdef".repeat(4)}`,
        ports: [{ containerPort: 8080, name: "http1" }],
        env: [{ name: "LOG_LEVEL", value: "info" }],
        readinessProbe: { tcpSocket: { port: 0 }, successThreshold: 1 },
        resources: { limits: { memory: "512Mi" }, requests: { cpu: "25m", memory: "64Mi" } }
      }
    ],
    serviceAccountName: `service-${index}`
  })
  const revision = (index: number) => `service-${index}-00001`
  const own = {
    "f:spec": {
      "f:template": {
        "f:spec": { "f:containers": { 'k:{"name":"user-container"}': { ".": {}, "f:image": {}, "f:env": {} } } }
      }
    }
  }

  const makers: Readonly<Record<string, (index: number) => unknown>> = {
    services: (index) => {
      const made = ofService(index, "Service", own)
      return {
        apiVersion: "serving.knative.dev/v1",
        ...made,
        metadata: { ...made.metadata, resourceVersion: String(versions.get(index) ?? 1_000_000) },
        spec: { template: { spec: spec(index) } },
        status: {
          observedGeneration: 1,
          conditions: conditions("ConfigurationsReady", "Ready", "RoutesReady"),
          latestCreatedRevisionName: revision(index),
          latestReadyRevisionName: revision(index),
          url: `http://service-${index}--${organizationOf(index)}.example.com`,
          traffic: [{ latestRevision: true, percent: 100, revisionName: revision(index) }]
        }
      }
    },
    revisions: (index) => ({
      apiVersion: "serving.knative.dev/v1",
      ...ofService(index, "Revision", {}, "-00001"),
      spec: spec(index),
      status: {
        observedGeneration: 1,
        conditions: conditions("Active", "ContainerHealthy", "Ready", "ResourcesAvailable"),
        actualReplicas: 0,
        desiredReplicas: 0
      }
    }),
    routes: (index) => ofService(index, "Route", {}),
    networkpolicies: (index) =>
      ofService(index, "NetworkPolicy", { "f:spec": { "f:ingress": {}, "f:egress": {}, "f:policyTypes": {} } }),
    serviceaccounts: (index) => ofService(index, "ServiceAccount", { "f:automountServiceAccountToken": {} }),
    secrets: (index) => ofService(index, "Secret", { "f:data": { "f:TOKEN": {} } }, "-00001")
  }
  const makeNamespace = (index: number) => ({
    kind: "Namespace",
    metadata: metadata(`org-${index}`, "", `org-${index}`, {})
  })

  const list = (url: URL, response: ServerResponse) => {
    const [, namespace, plural = ""] = /(?:\/namespaces\/([^/]+))?\/([a-z]+)$/.exec(url.pathname) ?? []
    const make = plural === "namespaces" ? makeNamespace : makers[plural]
    const first = namespace === undefined ? 0 : Number(namespace.slice("org-".length))
    const step = namespace === undefined ? 1 : namespaces
    const all = make === undefined ? 0 : plural === "namespaces" ? namespaces : services
    const count = Math.max(0, Math.ceil((all - first) / step))
    const begin = Number(url.searchParams.get("continue") ?? "0")
    const end = Math.min(count, begin + Number(url.searchParams.get("limit") ?? count))
    const items: Array<unknown> = []
    for (let index = begin; index < end; index++) items.push(make?.(first + index * step))
    response.setHeader("content-type", "application/json")
    response.end(
      JSON.stringify({
        metadata: { resourceVersion: String(version), ...(end < count ? { continue: String(end) } : {}) },
        items
      })
    )
  }

  return {
    answer: (request: IncomingMessage, response: ServerResponse) => {
      const url = new URL(request.url ?? "/", "http://fake")
      if (!url.searchParams.has("watch")) {
        if (/\/v1$/.test(url.pathname))
          response.end(JSON.stringify({ kind: "APIResourceList", resources: [{ name: "services", kind: "Service" }] }))
        else list(url, response)
        return
      }
      response.setHeader("content-type", "application/json")
      response.flushHeaders()
      if (url.pathname === "/apis/serving.knative.dev/v1/services") {
        watchers.add(response)
        response.on("close", () => watchers.delete(response))
      }
    },
    touch: (index) => {
      versions.set(index, ++version)
      const line = `${JSON.stringify({ type: "MODIFIED", object: makers.services?.(index) })}\n`
      for (const watcher of watchers) watcher.write(line)
    }
  }
}
