import { expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import type { Drift } from "../../runtimes/port/Runtime.ts"
import { keptMillis, PassedDrift } from "./PassedDrift.ts"

const drift = (organization: string, name: string, at: number): Drift => ({
  key: {
    organizationId: OrganizationId.make(`org_${organization.repeat(32)}`),
    organization: OrganizationName.make(`o-${organization}`),
    app: AppName.make("shop"),
    stage: productionStage,
    namespace: `o-${organization}`
  },
  object: { apiVersion: "v1", kind: "Secret", name },
  change: "deleted",
  manager: null,
  fields: [],
  at: new Date(at)
})

it("drift without an owner goes once to a new owner within its time, with the newest of each object", () => {
  const passed = new PassedDrift()
  passed.keep(drift("a", "first", 1_000), 1_000)
  passed.keep(drift("a", "first", 2_000), 2_000)
  passed.keep(drift("b", "other", 2_000), 2_000)
  passed.keep(drift("a", "old", 2_000 - keptMillis), 2_000 - keptMillis)
  const take = (organization: string) =>
    passed
      .take((value) => value === `org_${organization.repeat(32)}`, 3_000)
      .map((each) => [each.object.name, each.at.getTime()])
  expect(take("a")).toStrictEqual([["first", 2_000]])
  expect(take("a")).toStrictEqual([])
  expect(take("b")).toStrictEqual([["other", 2_000]])
})
