import { describe, expect, it } from "@effect/vitest"
import { parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { portable, portableProblems } from "./portable.ts"

const specOf = (services: ReadonlyArray<Readonly<Record<string, unknown>>>) =>
  Either.getOrThrowWith(parseAppSpec({ app: "shop", services }), (found) => new Error(JSON.stringify(found)))

const shop = specOf([
  {
    name: "web",
    image: "nginx:1",
    port: "auto",
    env: {
      API: { service: "api", property: "url" },
      API_HOST: { service: "api", property: "host" },
      HEALTH: { join: [{ service: "api", property: "url" }, "/healthz"] }
    }
  },
  {
    name: "api",
    image: "ghcr.io/shop/api:2",
    visibility: "internal",
    env: { KEY: { secret: "KEY" }, DATABASE_URL: { join: ["postgres://shop:", { secret: "PASSWORD" }, "@db/shop"] } }
  }
])

describe("portable", () => {
  const all = portable(shop, "team--a")
  const find = (kind: string, name: RegExp) =>
    all.find((each) => each.manifest.kind === kind && name.test(each.manifest.metadata.name))

  it("is in the given namespace, without max-cloud's labels and annotations", () => {
    expect(
      all
        .map((each) => `${each.manifest.kind} ${each.manifest.metadata.namespace}`)
        .filter((text) => !text.endsWith(" team--a"))
    ).toStrictEqual([])
    const written = JSON.stringify(all.map((each) => each.manifest))
    expect(written).not.toContain("maxcloud")
    expect(written).not.toContain(".local.svc")
    expect(JSON.stringify(find("Service", /^api$/)?.manifest.metadata.labels)).toContain("cluster-local")
  })

  it("expects another app in the namespace with its name, and says so", () => {
    const services = [
      { name: "web", image: "nginx:1", egress: "none", env: { B: { external: "billing/api", property: "url" } } }
    ]
    const made = portable(specOf(services), "team--a")
    const service = made.find((each) => each.manifest.kind === "Service")
    expect(JSON.stringify(service?.manifest)).toContain("http://api.billing.svc.cluster.local")
    expect(service?.notes.join() ?? "").toMatch(/calls the app billing, expected in the namespace billing/)
    expect(JSON.stringify(made.find((each) => each.manifest.kind === "NetworkPolicy"))).toContain("8081")
    const outside = specOf([{ ...services[0], env: { B: { external: "billing/api", property: "publicUrl" } } }])
    expect(portableProblems(outside)[0]?.message ?? "").toMatch(/a public URL depends on the platform's domain/)
  })

  it("uses the cluster's names for linked services, and allows their calls to the gateway", () => {
    const service = JSON.stringify(find("Service", /^web$/)?.manifest)
    expect(service).toContain('{"name":"API","value":"http://api.team--a.svc.cluster.local"}')
    expect(service).toContain('{"name":"API_HOST","value":"api.team--a.svc.cluster.local"}')
    expect(service).toContain('{"name":"HEALTH","value":"http://api.team--a.svc.cluster.local/healthz"}')
    const policy = JSON.stringify(find("NetworkPolicy", /^web$/)?.manifest)
    expect(policy).toContain('"podSelector":{"matchLabels":{"app.kubernetes.io/name":"web"}}')
    expect(policy).toContain("kourier-system")
    expect(policy).toContain("8081")
  })

  it("leaves secrets empty, and says what to fill in", () => {
    const secret = find("Secret", /^api--/)
    expect(secret?.manifest["stringData"]).toStrictEqual({ KEY: "", "env.DATABASE_URL": "" })
    expect(secret?.notes.join("\n")).toContain(
      'env.DATABASE_URL: "postgres://shop:" + the secret PASSWORD + "@db/shop"'
    )
    const service = JSON.stringify(find("Service", /^api$/)?.manifest)
    expect(service).toContain(`"secretKeyRef":{"key":"KEY","name":"${secret?.manifest.metadata.name}"}`)
  })

  it("says that a port is a guess", () => {
    expect(find("Service", /^web$/)?.notes.join("") ?? "").toMatch(/8080/)
    expect(find("Service", /^api$/)?.notes).toStrictEqual([])
  })

  it("refuses features that only max-cloud can run", () => {
    expect(portableProblems(shop)).toStrictEqual([])
    const problems = portableProblems(
      specOf([
        { name: "web", source: { path: "./web" }, env: { API: { service: "api", property: "publicUrl" } } },
        { name: "api", image: "api:1" }
      ])
    )
    expect(problems.map((problem) => problem.path.join("."))).toStrictEqual(["services.0.source", "services.0.env.API"])
  })
})
