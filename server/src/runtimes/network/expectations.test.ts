import { describe, expect, it } from "@effect/vitest"
import { parseAppSpec, ServiceName, ServiceSpec } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import * as fc from "fast-check"
import { expectationsOf, isOpened, type Surroundings } from "./expectations.ts"

const specOf = (fields: object) =>
  Schema.decodeUnknownSync(ServiceSpec)({ name: "web", image: "nginx:1.27", ...fields })

const callee = (name: string, podAddress?: string) => ({
  to: name,
  service: ServiceName.make(name),
  namespace: "acme",
  host: `${name}.acme.svc.cluster.local`,
  podAddress
})

const around = (fields: Partial<Surroundings> = {}): Surroundings => ({
  callees: [],
  rules: {},
  closed: [],
  internet: undefined,
  ...fields
})

const expectedOf = (fields: object, surroundings: Surroundings) =>
  Object.fromEntries(
    expectationsOf(specOf(fields), surroundings).map(({ probe }) => [`${probe.to} ${probe.by}`, probe.expected])
  )

describe("the targets that a service should reach", () => {
  it("include its links through the gateway, but never directly", () => {
    const callees = [callee("api", "10.0.0.7"), callee("db", "10.0.0.8"), callee("web", "10.0.0.9")]
    const expected = expectedOf({ links: ["api"] }, around({ callees }))
    expect(expected).toMatchObject({
      "api url": "allowed",
      "api host": "allowed",
      "api pod": "denied",
      "db url": "denied",
      "db host": "denied",
      "db pod": "denied",
      "web url": "denied"
    })
  })

  it("include a service named by its environment", () => {
    const env = { API: { service: "api", property: "url" } }
    expect(expectedOf({ env }, around({ callees: [callee("api")] }))).toMatchObject({ "api url": "allowed" })
  })

  it("include DNS, and never anything that is closed to all", () => {
    const closed = [
      { to: "API server", by: "address", target: { way: "tcp", host: "api", port: 443 } },
      { to: "activator", by: "host", target: { way: "http", host: "10.0.0.1", port: 80, hostHeader: "activator" } }
    ] as const
    expect(expectedOf({ egress: ["0.0.0.0/0"] }, around({ closed }))).toEqual({
      "API server address": "denied",
      "activator host": "denied",
      "DNS address": "allowed"
    })
  })

  it("never include another organization's service, not even one with the same name", () => {
    const foreign = { ...callee("api", "10.0.0.7"), to: "another organization", service: undefined }
    const expected = expectedOf({ links: ["api"] }, around({ callees: [foreign] }))
    expect(expected).toMatchObject({
      "another organization url": "denied",
      "another organization host": "denied",
      "another organization pod": "denied"
    })
  })

  it("include the internet if egress opens it, and skip it without a chosen address", () => {
    const internet = { host: "198.51.100.7", port: 443 }
    expect(expectedOf({}, around({ internet }))).toMatchObject({ "internet address": "allowed" })
    expect(expectedOf({ egress: "none" }, around({ internet }))).toMatchObject({ "internet address": "denied" })
    expect(expectedOf({ egress: ["203.0.113.0/24"] }, around({ internet }))).toMatchObject({
      "internet address": "denied"
    })
    expect(Object.keys(expectedOf({}, around()))).not.toContain("internet address")
  })
})

describe("an address that egress opens", () => {
  it("are its ranges without those that are never opened", () => {
    expect(isOpened(["203.0.113.0/25"], "203.0.113.127")).toBe(true)
    expect(isOpened(["203.0.113.0/25"], "203.0.113.128")).toBe(false)
    expect(isOpened("internet", "10.1.2.3")).toBe(false)
    const privateRanges = ["10.0.0.0/8"]
    expect(isOpened(["10.0.0.0/8"], "10.1.2.3")).toBe(false)
    expect(isOpened(["10.0.0.0/8"], "10.1.2.3", { privateRanges })).toBe(true)
    expect(isOpened(["10.0.0.0/8"], "10.1.2.3", { privateRanges, closedRanges: ["10.1.0.0/16"] })).toBe(false)
  })

  it("never include link-local addresses, whatever the config says", () => {
    fc.assert(
      fc.property(fc.nat(255), fc.nat(255), fc.integer({ min: 0, max: 32 }), (c, d, length) => {
        expect(isOpened([`169.254.${c}.${d}/${length}`], `169.254.${c}.${d}`)).toBe(false)
      })
    )
  })
})

it("every service of a generated app expects each of the others once for each path", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d"), { minLength: 1 }), (names) => {
      const spec = Effect.runSync(
        Effect.orDie(
          parseAppSpec({
            app: "shop",
            services: names.map((name, index) => ({ name, image: "nginx:1.27", links: names.slice(index + 1) }))
          })
        )
      )
      const callees = names.map((name) => callee(name, "10.0.0.1"))
      for (const service of spec.services) {
        const probes = expectationsOf(service, around({ callees })).map(({ probe }) => `${probe.to} ${probe.by}`)
        expect(new Set(probes).size).toBe(probes.length)
        for (const name of names) for (const by of ["url", "host", "pod"]) expect(probes).toContain(`${name} ${by}`)
      }
    })
  )
})
