import { expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { type Platform, tenantOf } from "./Platform.ts"

const platform: Platform["Type"] = {
  namespacePrefix: "mc-",
  domain: "example.com",
  scheme: "http",
  port: undefined,
  podSecurity: "baseline",
  runtimeClass: "gvisor",
  runtimeClasses: { acme: "none", lab: "kata" }
}
const classOf = (organization: string, more: Partial<Platform["Type"]> = {}) =>
  tenantOf(
    {
      organization: OrganizationName.make(organization),
      app: AppName.make("shop"),
      stage: StageName.make("production")
    },
    { ...platform, ...more }
  ).runtimeClass

it("an organization's own runtime class replaces that of all", () => {
  expect(["acme", "lab", "others", "constructor"].map((name) => classOf(name))).toEqual([
    undefined,
    "kata",
    "gvisor",
    "gvisor"
  ])
  expect(classOf("acme", { runtimeClasses: undefined })).toBe("gvisor")
  expect(classOf("lab", { runtimeClass: undefined })).toBe("kata")
})
