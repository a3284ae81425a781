import { expect, it } from "@effect/vitest"
import { AppName, OrganizationName, productionStage, ServiceName } from "@maxcloud/config-schema"
import { eventKinds, OrganizationId, ServiceId } from "@maxcloud/sdk/api"
import type { Happening } from "../../runtimes/port/Happening.ts"
import { eventOf } from "./eventOf.ts"

const key = {
  organizationId: OrganizationId.make(`org_${"a".repeat(32)}`),
  organization: OrganizationName.make("acme"),
  app: AppName.make("shop"),
  stage: productionStage,
  namespace: "mc-acme-shop",
  service: ServiceName.make("web")
}
const service = ServiceId.make(`svc_${"b".repeat(32)}`)
const common = { app: "shop", stage: "production", service, name: "web" }

const restarted = (instance: string, second: number, exitCode: number): Happening => ({
  type: "instance.restarted",
  key,
  id: `${instance}/${second}`,
  at: new Date(second * 1_000),
  facts: { revision: "web-00001", instance, reason: "Failed", exitCode }
})
const pulled = (second: number, milliseconds: number): Happening => ({
  type: "image.pulled",
  key,
  id: `pull ${second}`,
  at: new Date(second * 1_000),
  facts: { revision: "web-00001", image: "nginx", digest: null, milliseconds }
})
const evicted: Happening = {
  type: "instance.evicted",
  key,
  id: "evicted",
  at: new Date(1_000),
  facts: { revision: "web-00001", instance: "a", reason: "NodeDrained" }
}

it.each([
  {
    name: "restarts are counted, and the last one is described, in whatever order they came",
    given: eventOf(service, [restarted("a", 1, 1), restarted("b", 3, 3), restarted("a", 2, 2)]),
    data: { ...common, revision: "web-00001", instance: "b", reason: "Failed", exitCode: 3, count: 3 }
  },
  {
    name: "those that weren't kept count too",
    given: eventOf(service, [restarted("a", 1, 1)], 7),
    data: { ...common, revision: "web-00001", instance: "a", reason: "Failed", exitCode: 1, count: 8 }
  },
  {
    name: "reports the slowest of several pulls",
    given: eventOf(service, [pulled(1, 900), pulled(2, 4_000), pulled(3, 100)]),
    data: { ...common, revision: "web-00001", image: "nginx", digest: null, milliseconds: 4_000, count: 3 }
  },
  {
    name: "an eviction says why",
    given: eventOf(service, [evicted]),
    data: { ...common, revision: "web-00001", instance: "a", reason: "NodeDrained", count: 1 }
  }
])("$name", ({ data, given }) => {
  expect(given.data).toEqual(data)
  expect(given.subject).toBe(`services/${service}`)
  expect(eventKinds[given.type].isData(given.data)).toBe(true)
})
