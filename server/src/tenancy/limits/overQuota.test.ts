import { assert, describe, expect, it } from "@effect/vitest"
import { type AppSpec, parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { unlimited } from "./defaultQuotas.ts"
import { footprintOf, nothing, overQuota } from "./overQuota.ts"

const specOf = (...services: ReadonlyArray<Record<string, unknown>>): AppSpec =>
  Either.getOrThrow(
    parseAppSpec({
      app: "shop",
      services: services.map((service, nth) => ({ name: `s${nth}`, image: "a:1", ...service }))
    })
  )

describe("use that counts against quotas", () => {
  const size = footprintOf(specOf({ scale: { max: 3 }, cpu: 0.5, memory: "1Gi" }, { scale: { max: 2 } }).services)

  it("counts every service at its maximum scale", () => {
    expect(size).toStrictEqual({
      services: 2,
      instances: 5,
      cpuMilli: 3 * 500 + 2 * 1000,
      memoryBytes: 3 * 2 ** 30 + 2 * 512 * 2 ** 20
    })
  })

  it.each([
    ["services", 2, "3 services", /limit is 2 services, .* organization to 3 \(2 of this app and stage, 1 of others\)/],
    ["instances", 5, "6 instances", /5 instances at maximum scale, .* organization to 6/],
    ["cpuMilli", 3900, "vCPU", /3\.9 vCPU at .* organization to 4 /],
    ["memoryBytes", 4 * 2 ** 30, "memory", /4Gi memory at .* organization to 4\.5Gi/]
  ] as const)("refuses %s in a message that names it", (key, quota, _, message) => {
    const others = { services: 1, instances: 1, cpuMilli: 500, memoryBytes: 2 ** 29 }
    const refusal = overQuota({ ...unlimited, [key]: quota }, others, nothing, size)
    expect(refusal ?? "").toMatch(message)
    const enough = { ...unlimited, [key]: others[key] + size[key] }
    expect(overQuota(enough, others, nothing, size)).toBeUndefined()
  })

  it("isn't refused if it doesn't grow", () => {
    const quotas = { ...unlimited, services: 1, instances: 1 }
    expect(overQuota(quotas, nothing, size, size)).toBeUndefined()
    expect(overQuota(quotas, nothing, size, { ...size, instances: 4 })).toBeUndefined()
    assert(typeof overQuota(quotas, nothing, size, { ...size, instances: 6 }) === "string")
  })
})
