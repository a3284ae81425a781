import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import {
  defineConfig,
  encodeAppSpec,
  evaluateConfig,
  external,
  externalsOf,
  parseAppSpec,
  productionStage,
  StageName,
  secret,
  service,
  text
} from "./index.ts"

const issuesOf = (spec: object): ReadonlyArray<string> =>
  Either.match(parseAppSpec({ app: "shop", services: [{ name: "web", image: "nginx" }], ...spec }), {
    onLeft: (issues) => issues.map(({ message, path }) => `${path.join(".")}: ${message}`),
    onRight: () => []
  })

const context = { stage: "production", organization: "acme", runtime: "kubernetes", git: undefined } as const
const env = (value: unknown) => ({ services: [{ name: "web", image: "nginx", env: { A: value } }] })

describe("links to other apps", () => {
  it("have the same form in TypeScript and YAML", async () => {
    const api = external("billing", "api")
    const web = service("web", {
      image: "nginx",
      env: { URL: api.url, HOST: text`h:${external("search", "web", { stage: "dev" }).host}`, SITE: api.publicUrl }
    })
    const config = defineConfig({
      app: "shop",
      services: [web],
      exports: { web: { to: ["billing", false] } },
      outputs: { url: web.publicUrl, docs: text`${web.publicUrl}/docs` }
    })
    const { spec } = await evaluateConfig(config, context)
    const parsed = Either.getOrThrow(parseAppSpec(spec))
    expect(Object.keys(encodeAppSpec(parsed))).toStrictEqual(["apiVersion", "app", "services", "exports", "outputs"])
    expect(encodeAppSpec(parsed)).toMatchObject({
      exports: { web: { to: ["billing"] } },
      outputs: {
        url: { service: "web", property: "publicUrl" },
        docs: { join: [{ service: "web", property: "publicUrl" }, "/docs"] }
      }
    })
    expect(parsed.services[0]?.env).toStrictEqual({
      URL: { external: "billing/api", property: "url" },
      HOST: { join: ["h:", { external: "search/web", property: "host", stage: StageName.make("dev") }] },
      SITE: { external: "billing/api", property: "publicUrl" }
    })
    expect(
      parsed.services.flatMap((each) => externalsOf(each, productionStage)).map((each) => Object.values(each).join(" "))
    ).toStrictEqual(["billing api production true", "search web dev true"])
  })

  it("name a service of another app, never one of the app's own", () => {
    for (const name of ["billing", "billing/", "/api", "billing/api/x", "Billing/api", "billing/a--b"]) {
      expect(issuesOf(env({ external: name, property: "url" })).join(), name).toMatch(
        /isn't a service of another app\. Use/
      )
    }
    expect(issuesOf(env({ external: "shop/api", property: "url" })).join()).toMatch(
      /services\.0\.env\.A: "shop\/api" belongs to this app/
    )
    expect(issuesOf(env({ external: "shop-2/api", property: "url" }))).toStrictEqual([])
  })

  it("can't be put into a plain template", () => {
    expect(() => `${external("billing", "api").url}`).toThrow(/external\("billing", "api"\)\.url is a reference/)
  })
})

describe("exports", () => {
  it("export the app's own services to other apps", () => {
    expect(issuesOf({ exports: { api: { to: [] } } }).join()).toMatch(
      /^exports\.api: "api" isn't a service of this app/
    )
    expect(issuesOf({ exports: { web: { to: ["a", "shop"] } } }).join()).toMatch(
      /^exports\.web\.to\.1: An app's own services don't need an export/
    )
    expect(issuesOf({ exports: { web: {} } }).join()).toMatch(/^exports\.web\.to: This field is missing/)
    expect(issuesOf({ exports: { web: { to: Array.from({ length: 101 }, (_, at) => `a${at}`) } } })).toHaveLength(1)
  })
})

describe("outputs", () => {
  it("contain no secret, in any form", () => {
    const forms = [{ secret: "A" }, { join: ["x", { secret: "A" }] }]
    for (const form of forms) {
      expect(issuesOf({ outputs: { url: form } }).join("\n")).toMatch(/^outputs\.url: An output can't contain a secret/)
    }
    // @ts-expect-error nor does it compile
    defineConfig({ app: "shop", services: [], outputs: { key: secret("A") } })
  })

  it("contain public addresses of the app's own services", () => {
    const output = (value: unknown) => issuesOf({ outputs: { url: value } }).join("\n")
    expect(output({ service: "web", property: "url" })).toMatch(/^outputs\.url: `url` of "web" works only inside/)
    expect(output({ service: "api", property: "publicUrl" })).toMatch(
      /^outputs\.url: "api" isn't a service of this app/
    )
    expect(output({ external: "billing/api", property: "publicUrl" })).toMatch(
      /^outputs\.url: An output can't contain an address/
    )
    expect(output({ join: [{ external: "billing/api", property: "publicUrl" }] })).toMatch(/can't contain an address/)
    const services = [{ name: "web", image: "nginx", visibility: "internal" }]
    expect(issuesOf({ services, outputs: { url: { service: "web", property: "publicUrl" } } }).join()).toMatch(
      /internal/
    )
    expect(issuesOf({ outputs: { "a b": "x" } }).join()).toMatch(/isn't a valid name for an output/)
  })
})
