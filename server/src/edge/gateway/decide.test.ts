import { describe, expect, it } from "@effect/vitest"
import { Option } from "effect"
import type { CheckRequest } from "./CheckRequest.ts"
import { decide } from "./decide.ts"
import { makeTenantNetwork, type Pod, readNamespace, readPod, readService } from "./TenantNetwork.ts"

const pod = (id: string, changes: Partial<Pod> = {}): Pod => ({
  id,
  namespace: "acme",
  service: id,
  node: "n",
  address: `10.0.0.${id.length}`,
  terminating: false,
  ended: false,
  ...changes
})
const service = (id: string, changes: object = {}) => ({
  id,
  organization: id.split("/")[0] ?? "",
  app: "app",
  links: new Set<string>(),
  linkVariables: [],
  externals: new Set<string>(),
  exports: new Set<string>(),
  mayCallInternet: false,
  paused: false,
  forged: false,
  ...changes
})

const web = pod("web")
const lone = pod("lone")
const other = pod("other", { namespace: "evil", service: "web" })
const foreign = pod("foreign", { namespace: "kube-system", service: "" })

const network = () => {
  const made = makeTenantNetwork()
  made.namespaces({ type: "list", objects: [{ id: "acme" }, { id: "evil" }] })
  made.services({
    type: "list",
    objects: [
      service("acme/web", { links: new Set(["api"]), linkVariables: ["api=API_URL", "apis=OTHER"] }),
      service("acme/lone", { mayCallInternet: true }),
      service("acme/api"),
      service("evil/web", { links: new Set(["api"]) }),
      service("evil/api")
    ]
  })
  made.pods({ type: "list", objects: [web, lone, other, foreign] })
  return made
}

const ask = (
  from: Pod | string,
  target: string,
  changes: Partial<CheckRequest> & { readonly visibility?: string } = {}
) => {
  const { visibility = "ClusterLocal", ...rest } = changes
  const [namespace = "", name = ""] = target.split("/")
  const route = [
    ["serving.knative.dev/routeNamespace", namespace],
    ["serving.knative.dev/route", name],
    ["visibility", visibility]
  ] as const
  return {
    sourceAddress: typeof from === "string" ? from : from.address,
    listenerPort: 8081,
    route: new Map(target === "" ? [] : route),
    path: "/",
    host: "api.acme",
    headers: new Map<string, string>(),
    ...rest
  }
}
const noRoute = (from: Pod, host: string) => decide(network(), ask(from, "", { host }))
const probe = new Map([["k-network-probe", "probe"]])

describe("decide", () => {
  it("tells a caller the name of a service that it links to, and nobody else", () => {
    const found = { bare: "api", host: "api.acme", variables: ["API_URL"] }
    expect(noRoute(web, "api")).toEqual(found)
    expect(noRoute(web, "api:80")).toEqual(found)
    expect(noRoute(web, "lone")).toBe("refuse")
    expect(noRoute(lone, "api")).toBe("refuse")
    expect(noRoute(web, "api.evil")).toBe("refuse")
    expect(noRoute(other, "api")).toEqual({ bare: "api", host: "api.evil", variables: [] })
    // A matched route decides, whatever the Host says.
    expect(decide(network(), ask(web, "acme/api", { host: "lone" }))).toBe("allow")
  })

  it("opens an internal host only to links in the same namespace", () => {
    expect(decide(network(), ask(web, "acme/api"))).toBe("allow")
    expect(decide(network(), ask(lone, "acme/api"))).toBe("refuse")
    expect(decide(network(), ask(web, "acme/lone"))).toBe("refuse")
    expect(decide(network(), ask(other, "acme/api"))).toBe("refuse")
    expect(decide(network(), ask(other, "evil/api"))).toBe("allow")
    expect(decide(network(), ask(foreign, "acme/api"))).toBe("refuse")
  })

  it("opens a service of another app if both sides declare it and belong to one organization", () => {
    const made = network()
    const shop = { organization: "acme", app: "shop", externals: new Set(["evil/api"]) }
    const exporting = { organization: "acme", app: "billing", exports: new Set(["shop"]) }
    const decided = (caller: object, callee: object) => {
      made.services({ type: "put", object: service("acme/web", caller) })
      made.services({ type: "put", object: service("evil/api", callee) })
      return decide(made, ask(web, "evil/api"))
    }
    expect(decided(shop, exporting)).toBe("allow")
    expect(decided({ ...shop, externals: new Set() }, exporting)).toBe("refuse")
    expect(decided({ ...shop, externals: new Set(["evil/web"]) }, exporting)).toBe("refuse")
    expect(decided(shop, { ...exporting, exports: new Set() })).toBe("refuse")
    expect(decided(shop, { ...exporting, exports: new Set(["search"]) })).toBe("refuse")
    expect(decided(shop, { ...exporting, organization: "evil" })).toBe("refuse")
    expect(decided({ ...shop, organization: "" }, { ...exporting, organization: "" })).toBe("refuse")
  })

  it("opens public hosts to everyone, but not to services that may call neither them nor the internet", () => {
    const visibility = "ExternalIP"
    expect(decide(network(), ask("203.0.113.9", "acme/api", { visibility, listenerPort: 8080 }))).toBe("allow")
    expect(decide(network(), ask(lone, "evil/api", { visibility }))).toBe("allow")
    expect(decide(network(), ask(web, "evil/api", { visibility }))).toBe("refuse")
    expect(decide(network(), ask(web, "acme/api", { visibility }))).toBe("allow")
    expect(decide(network(), ask(foreign, "acme/api", { visibility }))).toBe("allow")
  })

  it("ignores a visibility claimed by a service's label", () => {
    const made = network()
    made.services({ type: "put", object: service("acme/api", { forged: true }) })
    expect(decide(made, ask(lone, "acme/api", { visibility: "ExternalIP" }))).toBe("refuse")
    expect(decide(made, ask(web, "acme/api", { visibility: "ExternalIP" }))).toBe("allow")
  })

  it("keeps tenants' pods away from other hosts, and leaves those open to everyone else", () => {
    expect(decide(network(), ask(web, "kube-system/dash"))).toBe("refuse")
    expect(decide(network(), ask(web, ""))).toBe("refuse")
    expect(decide(network(), ask(foreign, "kube-system/dash"))).toBe("allow")
    expect(decide(network(), ask(foreign, ""))).toBe("allow")
  })

  it("is uncertain about an unknown caller, and knows it once the watch reports it", () => {
    const made = network()
    expect(decide(made, ask("10.9.9.9", "acme/api"))).toBe("unsure")
    made.pods({ type: "put", object: pod("new", { service: "web", address: "10.9.9.9" }) })
    expect(decide(made, ask("10.9.9.9", "acme/api"))).toBe("allow")
  })

  it("revokes a link with the change, and an address's access with its pod", () => {
    const made = network()
    made.services({ type: "put", object: service("acme/web") })
    expect(decide(made, ask(web, "acme/api"))).toBe("refuse")
    const gone = network()
    gone.pods({ type: "delete", object: web })
    expect(decide(gone, ask(web, "acme/api"))).toBe("unsure")
    const ended = network()
    ended.pods({ type: "put", object: { ...web, ended: true } })
    expect(decide(ended, ask(web, "acme/api"))).toBe("unsure")
    const relisted = network()
    relisted.pods({ type: "list", objects: [] })
    expect(decide(relisted, ask(web, "acme/api"))).toBe("unsure")
  })

  it("lets a terminating pod use its links until its address may belong to another", () => {
    const made = network()
    made.pods({ type: "put", object: { ...web, terminating: true } })
    expect(decide(made, ask(web, "acme/api"))).toBe("allow")
    made.pods({ type: "put", object: pod("pending", { address: "" }) })
    expect(decide(made, ask(web, "acme/api"))).toBe("unsure")
    made.pods({ type: "put", object: pod("pending", { namespace: "evil", service: "api", address: web.address }) })
    expect(decide(made, ask(web, "acme/api"))).toBe("refuse")
  })

  it("is uncertain if two live pods share an address", () => {
    const made = network()
    made.pods({ type: "put", object: pod("twin", { address: web.address }) })
    expect(decide(made, ask(web, "acme/api"))).toBe("unsure")
  })

  it("lets Knative's probes through, but not tenants' pods that imitate them", () => {
    expect(decide(network(), ask(foreign, "acme/api", { headers: probe }))).toBe("allow")
    expect(decide(network(), ask("10.9.9.9", "acme/api", { headers: probe }))).toBe("allow")
    expect(decide(network(), ask(lone, "acme/api", { headers: probe }))).toBe("refuse")
    expect(decide(network(), ask(other, "acme/api", { headers: new Map([["k-network-probe", "queue"]]) }))).toBe(
      "refuse"
    )
  })

  it("says paused to permitted callers only", () => {
    const made = network()
    made.services({ type: "put", object: service("acme/api", { paused: true }) })
    expect(decide(made, ask(web, "acme/api"))).toBe("paused")
    expect(decide(made, ask(lone, "acme/api"))).toBe("refuse")
    const outside = { visibility: "ExternalIP", listenerPort: 8080 }
    expect(decide(made, ask("203.0.113.9", "acme/api", outside))).toBe("paused")
    expect(decide(made, ask("203.0.113.9", "acme/api", { ...outside, headers: probe }))).toBe("allow")
  })
})

describe("the state read from the cluster", () => {
  const metadata = { name: "web", namespace: "acme", uid: "u1" }

  it("contains a pod's address and service, and whether it is terminating", () => {
    const object = {
      metadata: { ...metadata, labels: { "maxcloud.dev/service": "web" }, deletionTimestamp: "2026-01-01T00:00:00Z" },
      spec: { nodeName: "n" },
      status: { phase: "Running", podIP: "10.0.0.1", more: true }
    }
    expect(readPod(object)).toEqual(
      Option.some({
        id: "u1",
        namespace: "acme",
        service: "web",
        node: "n",
        address: "10.0.0.1",
        terminating: true,
        ended: false
      })
    )
    expect(readPod({ metadata, spec: {}, status: { phase: "Succeeded" } })).toMatchObject({
      value: { ended: true, service: "" }
    })
    expect(Option.isNone(readPod({ spec: {} }))).toBe(true)
  })

  it("contains a service's links, egress and pause", () => {
    const annotations = {
      "maxcloud.dev/links": "api,db",
      "maxcloud.dev/link-variables": "api=API_URL",
      "maxcloud.dev/external-links": "acme-billing/api",
      "maxcloud.dev/exports": "search",
      "maxcloud.dev/paused": "true",
      "maxcloud.dev/egress": "internet"
    }
    const labels = { visibility: "ExternalIP", "maxcloud.dev/organization": "acme", "maxcloud.dev/app": "shop" }
    expect(readService({ metadata: { ...metadata, annotations, labels } })).toEqual(
      Option.some({
        id: "acme/web",
        organization: "acme",
        app: "shop",
        links: new Set(["api", "db"]),
        linkVariables: ["api=API_URL"],
        externals: new Set(["acme-billing/api"]),
        exports: new Set(["search"]),
        mayCallInternet: true,
        paused: true,
        forged: true
      })
    )
    expect(readService({ metadata })).toMatchObject({ value: { mayCallInternet: false, paused: false } })
    expect(readNamespace({ metadata: { name: "acme" } })).toEqual(Option.some({ id: "acme" }))
  })
})
