import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Platform } from "../../../runtimes/port/Platform.ts"
import { currentPlatformKey, platformKey } from "./PlatformKey.ts"

const settings: Required<Platform["Type"]> = {
  namespacePrefix: "mc-",
  domain: "example.com",
  scheme: "https",
  port: 443,
  podSecurity: "restricted",
  runtimeClass: "gvisor",
  runtimeClasses: { acme: "none" },
  closedRanges: ["10.96.0.0/12"],
  privateRanges: ["10.0.0.0/8"],
  externalSecrets: { store: "vault", key: "{{ shop }}" },
  manifestRules: [{ kind: "ConfigMap", steps: [] }],
  pullPeriod: "1.ABCD",
  unknownRanges: undefined
}
const keyOf = (platform: Platform["Type"]) =>
  Effect.runPromise(Effect.map(Effect.provideService(platformKey, Platform, platform), (found) => found.key))

it("differs with every setting that manifests depend on", async () => {
  const others: Required<Platform["Type"]> = {
    namespacePrefix: "",
    domain: "example.org",
    scheme: "http",
    port: undefined,
    podSecurity: "baseline",
    runtimeClass: undefined,
    runtimeClasses: undefined,
    closedRanges: ["10.96.0.0/12", "10.244.0.0/24"],
    privateRanges: [],
    externalSecrets: undefined,
    manifestRules: [],
    pullPeriod: undefined,
    unknownRanges: undefined
  }
  const { unknownRanges: _, ...made } = others
  const keys = await Promise.all(Object.entries(made).map(([name, value]) => keyOf({ ...settings, [name]: value })))
  expect(new Set([...keys, await keyOf(settings)]).size).toBe(keys.length + 1)
})

it("doesn't depend on the text of a refusal", async () => {
  expect(await keyOf({ ...settings, unknownRanges: "pods: 10.0.0.1" })).toBe(await keyOf(settings))
})

it("is computed on demand, from one consistent state", async () => {
  let closedRanges: ReadonlyArray<string> = []
  const live: Platform["Type"] = {
    ...settings,
    get closedRanges() {
      return closedRanges
    }
  }
  const current = await Effect.runPromise(Effect.provideService(currentPlatformKey, Platform, live))
  const before = await Effect.runPromise(current)
  closedRanges = ["10.96.0.0/12"]
  const after = await Effect.runPromise(current)
  expect(before.settings.closedRanges).toEqual([])
  expect(before.key).not.toBe(after.key)
  expect(after.key).toBe(await keyOf(settings))
})
