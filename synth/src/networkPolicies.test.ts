import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { examples, specOf } from "../test/examples.ts"
import { annotation } from "./annotations.ts"
import type { Manifest } from "./manifest.ts"
import { synth } from "./synth.ts"
import type { TenantContext } from "./tenant.ts"

const [example] = Object.values(examples)
if (example === undefined) throw new Error("there are no examples")
const { tenant } = example

const manifestsOf = (fields: object, changes: Partial<TenantContext> = {}) => {
  const spec = specOf({
    app: "shop",
    services: [
      { name: "api", image: "nginx:1" },
      { name: "web", image: "nginx:1", ...fields }
    ]
  })
  return synth(spec, { ...tenant, ...changes })
}
const find = (manifests: ReadonlyArray<Manifest>, kind: string): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === "web")
  if (found === undefined) throw new Error(`web has no ${kind}`)
  return found
}
const templateOf = (manifest: Manifest) => JSON.stringify(manifest["spec"])

describe("the network of a service", () => {
  it("opens nothing to pods, the activator or the internal gateway without a link, and only the gateway with one", () => {
    const without = templateOf(find(manifestsOf({ egress: "none" }), "NetworkPolicy"))
    expect(without).not.toContain("8081")
    const policy = find(manifestsOf({ egress: "none", links: ["api"] }), "NetworkPolicy")
    const egress = JSON.stringify(JSON.parse(templateOf(policy)).egress)
    expect(egress).toContain("3scale-kourier-gateway")
    expect(egress).not.toContain("activator")
    expect(egress).not.toContain("maxcloud.dev/service")
    expect(egress).not.toContain("8012")
  })

  it("marks links, egress and pause on the Knative Service, so that none of them creates a revision", () => {
    const plain = find(manifestsOf({}), "Service")
    const linked = find(manifestsOf({ links: ["api"] }), "Service")
    expect(linked.metadata.annotations?.[annotation.links]).toBe("api")
    expect(linked.metadata.annotations?.[annotation.egress]).toBe("internet")
    expect(templateOf(linked)).toBe(templateOf(plain))
    const paused = find(manifestsOf({}, { pausedServices: new Set([ServiceName.make("web")]) }), "Service")
    expect(paused.metadata.annotations?.[annotation.paused]).toBe("true")
    expect(templateOf(paused)).toBe(templateOf(plain))
  })

  it("opens the gateway for a link to another app, and marks both sides", () => {
    const env = (property: string) => ({
      egress: "none",
      env: { B: { external: "billing/api", property, stage: "dev" } }
    })
    const manifests = manifestsOf(env("url"))
    expect(templateOf(find(manifests, "NetworkPolicy"))).toContain("8081")
    const mark = find(manifests, "Service").metadata.annotations?.["maxcloud.dev/external-links"] ?? ""
    const [namespace, service] = mark.split("/")
    expect(service).toBe("api")
    expect(templateOf(find(manifests, "Service"))).toContain(`"http://api.${namespace}.svc.cluster.local"`)
    expect(namespace).toContain("dev")
    const outside = manifestsOf(env("publicUrl"))
    expect(templateOf(find(outside, "NetworkPolicy"))).not.toContain("8081")
    expect(find(outside, "Service").metadata.annotations ?? {}).not.toHaveProperty(["maxcloud.dev/external-links"])

    const exporting = synth(
      specOf({
        app: "billing",
        services: [{ name: "web", image: "nginx:1" }],
        exports: { web: { to: ["shop", "search"] } }
      }),
      tenant
    )
    expect(find(exporting, "Service").metadata.annotations?.["maxcloud.dev/exports"]).toBe("search,shop")
    expect(find(manifests, "Service").metadata.annotations ?? {}).not.toHaveProperty(["maxcloud.dev/exports"])
  })

  it("creates a new revision only for a restarted service", () => {
    const restarted = (name: string) => ({ restarts: new Map([[ServiceName.make(name), "2026-01-01T00:00:00.000Z"]]) })
    const plain = templateOf(find(manifestsOf({}), "Service"))
    const web = templateOf(find(manifestsOf({}, restarted("web")), "Service"))
    expect(web).toContain('"maxcloud.dev/restarted-at":"2026-01-01T00:00:00.000Z"')
    expect(web).not.toBe(plain)
    expect(templateOf(find(manifestsOf({}, restarted("other")), "Service"))).toBe(plain)
  })

  it("scales a paused service to zero", () => {
    const fields = { scale: { min: 2, max: 3 } }
    expect(templateOf(find(manifestsOf(fields), "Service"))).toContain('"autoscaling.knative.dev/min-scale":"2"')
    const paused = find(manifestsOf(fields, { pausedServices: new Set([ServiceName.make("web")]) }), "Service")
    expect(templateOf(paused)).toContain('"autoscaling.knative.dev/min-scale":"0"')
  })

  it("ignores users' labels that imitate the gateway's", () => {
    const { metadata } = find(manifestsOf({ labels: { visibility: "ExternalIP", client: "x", team: "a" } }), "Service")
    expect(metadata.labels).toMatchObject({ team: "a" })
    expect(metadata.labels).not.toHaveProperty("visibility")
    expect(metadata.labels).not.toHaveProperty("client")
  })

  it("runs pods with the tenant's runtime class", () => {
    expect(templateOf(find(manifestsOf({}, { runtimeClass: "gvisor" }), "Service"))).toContain(
      '"runtimeClassName":"gvisor"'
    )
  })
})
