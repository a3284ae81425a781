import { describe, expect, it } from "@effect/vitest"
import { makeRegistryPauses } from "./registryPauses.ts"

describe("registries that asked for a pause", () => {
  it("pauses one registry for those it asked, and for the longest time that it asked", () => {
    let now = 0
    const pauses = makeRegistryPauses(() => now)
    pauses.pause("a", 30_000)
    pauses.pause("a", 10_000)
    pauses.pause("b", undefined)
    now = 20_000
    expect(["a", "b"].map(pauses.leftMs)).toStrictEqual([10_000, 0])
    now = 31_000
    expect(pauses.leftMs("a")).toBe(0)
  })
})
