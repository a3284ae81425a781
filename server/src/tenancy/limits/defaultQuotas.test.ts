import { assert, describe, it } from "@effect/vitest"
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

describe("quotas that nobody has set", () => {
  it("bound everything on a server that needs credentials, also on loopback", () => {
    assert.deepStrictEqual(defaultQuotas({ ...unset, ...shared }), builtInQuotas)
    assert.deepStrictEqual(defaultQuotas({ ...unset, ...laptop, auth: "required" }), builtInQuotas)
    assert.notInclude(Object.values(builtInQuotas), null)
  })

  it("bound deployments an hour, logs and streams alone on a server without credentials", () => {
    const { deploymentsPerHour, logBytes, streams } = builtInQuotas
    assert.deepStrictEqual(defaultQuotas({ ...unset, ...laptop }), {
      ...unlimited,
      deploymentsPerHour,
      logBytes,
      streams
    })
  })

  it("give way to settings, to `none` too", () => {
    const quotas = defaultQuotas({ ...unset, ...shared, quotaServices: 3, quotaMemory: "none", quotaSources: 0 })
    assert.deepStrictEqual(quotas, { ...builtInQuotas, services: 3, memoryBytes: null, sourceBytes: 0 })
    assert.strictEqual(defaultQuotas({ ...unset, ...laptop, quotaServices: 3 }).services, 3)
  })

  it("let in 50 services that say nothing of their size, and no 51st", () => {
    const services = (count: number) => Array.from({ length: count }, (_, nth) => ({ name: `s${nth}`, image: "a:1" }))
    const of = (count: number) =>
      footprintOf(Either.getOrThrow(parseAppSpec({ app: "shop", services: services(count) })).services)
    assert.isUndefined(overQuota(builtInQuotas, nothing, nothing, of(50)))
    assert.match(overQuota(builtInQuotas, of(50), nothing, of(1)) ?? "", /50 services/)
  })
})
