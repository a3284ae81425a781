import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, ServiceName, StageName } from "@maxcloud/config-schema"
import fc from "fast-check"
import { hostLabelOf, namespaceOf } from "./names.ts"

interface Names {
  readonly organization: string
  readonly app: string
  readonly stage: string
  readonly service: string
  readonly tag: string | undefined
}

const place = ({ app, organization, stage }: Names, namespacePrefix = "mc-") => ({
  organization: OrganizationName.make(organization),
  app: AppName.make(app),
  stage: StageName.make(stage),
  namespacePrefix
})

const hostOf = (names: Names) => hostLabelOf(ServiceName.make(names.service), place(names), names.tag)

/** The names in a host label. Parts never contain "--", so parsing is unambiguous. */
const parse = (label: string): Names => {
  const [, tag, host = ""] = /^(?:(.+?)---)?(.+)$/.exec(label) ?? []
  const parts = host.split("--")
  const [first = "", second = "", third = "", fourth = ""] = parts
  if (parts.length === 2) return { tag, service: first, app: first, stage: "production", organization: second }
  if (parts.length === 3) return { tag, service: first, app: second, stage: "production", organization: third }
  return { tag, service: first, app: second, stage: third, organization: fourth }
}

/** Few and short, to often generate equal names, and names that look like joined ones. */
const name = fc.oneof(
  fc.constantFrom("a", "b", "web", "production", "a-b", "xn-b", "v1"),
  fc.stringMatching(/^[a-z](-?[a-z0-9]){0,6}$/).filter((value) => value !== "xn")
)
const names: fc.Arbitrary<Names> = fc
  .record({
    organization: name,
    app: name,
    stage: fc.oneof(fc.constant("production"), name),
    service: name,
    tag: fc.option(name, { nil: undefined })
  })
  .chain((drawn) => fc.constantFrom(drawn, { ...drawn, service: drawn.app }))

describe("a host", () => {
  it("has two or three parts in production, and four in any other stage", () => {
    const of = (service: string, stage: string, tag?: string) =>
      hostOf({ organization: "acme", app: "shop", stage, service, tag })
    expect(of("shop", "production")).toBe("shop--acme")
    expect(of("web", "production")).toBe("web--shop--acme")
    expect(of("shop", "preview-42")).toBe("shop--shop--preview-42--acme")
    expect(of("web", "preview-42")).toBe("web--shop--preview-42--acme")
    expect(of("web", "production", "v1")).toBe("v1---web--shop--acme")
  })

  it("can be parsed back into its names", () => {
    fc.assert(
      fc.property(names, (each) => {
        expect(parse(hostOf(each))).toEqual(each)
      }),
      { numRuns: 20_000 }
    )
  })

  it("belongs to one organization, app, stage, service and tag", () => {
    const known = new Map<string, string>()
    fc.assert(
      fc.property(names, (each) => {
        const source = JSON.stringify(each, ["organization", "app", "stage", "service", "tag"])
        expect(known.get(hostOf(each)) ?? source).toBe(source)
        known.set(hostOf(each), source)
      }),
      { numRuns: 20_000 }
    )
  })
})

it("a namespace belongs to one organization, app and stage", () => {
  const at = (stage: string) => place({ organization: "acme", app: "shop", stage, service: "web", tag: undefined })
  expect(namespaceOf(at("production"))).toBe("mc-shop--acme")
  expect(namespaceOf(at("preview-42"))).toBe("mc-shop--preview-42--acme")
})
