import { describe, expect, it } from "@effect/vitest"
import { parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { builtInQuotas, defaultQuotas, unlimited } from "./defaultQuotas.ts"
import { footprintOf, nothing, overQuota } from "./overQuota.ts"

const unset = {
  requestsPerMinute: 1200,
  quotaServices: undefined,
  quotaInstances: undefined,
  quotaCpuMilli: undefined,
  quotaMemory: undefined,
  quotaDeploymentsPerHour: undefined,
  quotaSources: undefined,
  quotaLogs: undefined,
  quotaStreams: undefined,
  streamsPerKey: 1,
  streamsPerAddress: 1,
  graceSeconds: 1,
  bytesPerSecond: 1,
  tunnelIdleSeconds: 1
}
const shared = { auth: undefined, host: "0.0.0.0" } as const
const laptop = { auth: undefined, host: "127.0.0.1" } as const

describe("default quotas", () => {
  it("limit everything on a server that needs credentials, also on loopback", () => {
    expect(defaultQuotas({ ...unset, ...shared })).toStrictEqual(builtInQuotas)
    expect(defaultQuotas({ ...unset, ...laptop, auth: "required" })).toStrictEqual(builtInQuotas)
    expect(Object.values(builtInQuotas)).not.toContain(null)
  })

  it("only limit deployments per hour, logs and streams on a server without credentials", () => {
    const { deploymentsPerHour, logBytes, streams } = builtInQuotas
    expect(defaultQuotas({ ...unset, ...laptop })).toStrictEqual({
      ...unlimited,
      deploymentsPerHour,
      logBytes,
      streams
    })
  })

  it("are overridden by settings, including `none`", () => {
    const quotas = defaultQuotas({ ...unset, ...shared, quotaServices: 3, quotaMemory: "none", quotaSources: 0 })
    expect(quotas).toStrictEqual({ ...builtInQuotas, services: 3, memoryBytes: null, sourceBytes: 0 })
    expect(defaultQuotas({ ...unset, ...laptop, quotaServices: 3 }).services).toBe(3)
  })

  it("admit 50 services of default size, but no 51st", () => {
    const services = (count: number) => Array.from({ length: count }, (_, nth) => ({ name: `s${nth}`, image: "a:1" }))
    const of = (count: number) =>
      footprintOf(Either.getOrThrow(parseAppSpec({ app: "shop", services: services(count) })).services)
    expect(overQuota(builtInQuotas, nothing, nothing, of(50))).toBeUndefined()
    expect(overQuota(builtInQuotas, of(50), nothing, of(1)) ?? "").toMatch(/50 services/)
  })
})
