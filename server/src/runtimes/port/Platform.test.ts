import { expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { type Platform, tenantOf } from "./Platform.ts"

const idOf = (number: number) => OrganizationId.make(`org_${String(number).padStart(32, "0")}`)

const platform: Platform["Type"] = {
  namespacePrefix: "mc-",
  domain: "example.com",
  scheme: "http",
  port: undefined,
  podSecurity: "baseline",
  runtimeClass: "gvisor",
  runtimeClasses: { acme: "none", lab: "kata", [idOf(1)]: "none", [idOf(2)]: "kata" }
}
const classOf = (organization: string, more: Partial<Platform["Type"]> = {}, organizationId = idOf(0)) =>
  tenantOf(
    {
      organization: OrganizationName.make(organization),
      organizationId,
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
  // By its id, whatever its name is.
  expect(classOf("others", {}, idOf(1))).toBeUndefined()
  expect(classOf("acme", {}, idOf(2))).toBe("kata")
  expect(classOf("acme", { runtimeClasses: undefined })).toBe("gvisor")
  expect(classOf("lab", { runtimeClass: undefined })).toBe("kata")
})
