import { assert, describe, it } from "@effect/vitest"
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
  it("are written alike in TypeScript and YAML", async () => {
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
    assert.deepStrictEqual(Object.keys(encodeAppSpec(parsed)), ["apiVersion", "app", "services", "exports", "outputs"])
    assert.deepInclude(encodeAppSpec(parsed), {
      exports: { web: { to: ["billing"] } },
      outputs: {
        url: { service: "web", property: "publicUrl" },
        docs: { join: [{ service: "web", property: "publicUrl" }, "/docs"] }
      }
    })
    assert.deepStrictEqual(parsed.services[0]?.env, {
      URL: { external: "billing/api", property: "url" },
      HOST: { join: ["h:", { external: "search/web", property: "host", stage: StageName.make("dev") }] },
      SITE: { external: "billing/api", property: "publicUrl" }
    })
    assert.deepStrictEqual(
      parsed.services
        .flatMap((each) => externalsOf(each, productionStage))
        .map((each) => Object.values(each).join(" ")),
      ["billing api production true", "search web dev true"]
    )
  })

  it("name an app and a service, and not an app's own", () => {
    for (const name of ["billing", "billing/", "/api", "billing/api/x", "Billing/api", "billing/a--b"]) {
      assert.match(
        issuesOf(env({ external: name, property: "url" })).join(),
        /isn't a service of another app\. Write/,
        name
      )
    }
    assert.match(
      issuesOf(env({ external: "shop/api", property: "url" })).join(),
      /services\.0\.env\.A: "shop\/api" is of this app/
    )
    assert.deepStrictEqual(issuesOf(env({ external: "shop-2/api", property: "url" })), [])
  })

  it("can't be put into a text of one's own", () => {
    assert.throws(() => `${external("billing", "api").url}`, /external\("billing", "api"\)\.url is a reference/)
  })
})

describe("exports", () => {
  it("are of the app's own services, to others", () => {
    assert.match(issuesOf({ exports: { api: { to: [] } } }).join(), /^exports\.api: "api" isn't a service of this app/)
    assert.match(
      issuesOf({ exports: { web: { to: ["a", "shop"] } } }).join(),
      /^exports\.web\.to\.1: An app's own services need no/
    )
    assert.match(issuesOf({ exports: { web: {} } }).join(), /^exports\.web\.to: This field is missing/)
    assert.lengthOf(issuesOf({ exports: { web: { to: Array.from({ length: 101 }, (_, at) => `a${at}`) } } }), 1)
  })
})

describe("outputs", () => {
  it("have no secret, in no form", () => {
    const forms = [{ secret: "A" }, { join: ["x", { secret: "A" }] }]
    for (const form of forms) {
      assert.match(issuesOf({ outputs: { url: form } }).join("\n"), /^outputs\.url: An output can't have a secret/)
    }
    // @ts-expect-error nor does it compile
    defineConfig({ app: "shop", services: [], outputs: { key: secret("A") } })
  })

  it("have addresses that work outside, of the app's own services", () => {
    const output = (value: unknown) => issuesOf({ outputs: { url: value } }).join("\n")
    assert.match(output({ service: "web", property: "url" }), /^outputs\.url: `url` of "web" works only inside/)
    assert.match(output({ service: "api", property: "publicUrl" }), /^outputs\.url: "api" isn't a service of this app/)
    assert.match(
      output({ external: "billing/api", property: "publicUrl" }),
      /^outputs\.url: An output can't have an address/
    )
    assert.match(output({ join: [{ external: "billing/api", property: "publicUrl" }] }), /can't have an address/)
    const services = [{ name: "web", image: "nginx", visibility: "internal" }]
    assert.match(issuesOf({ services, outputs: { url: { service: "web", property: "publicUrl" } } }).join(), /internal/)
    assert.match(issuesOf({ outputs: { "a b": "x" } }).join(), /isn't a valid name for an output/)
  })
})
