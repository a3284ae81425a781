import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { OrganizationRoom } from "./organizationRoom.ts"

/** Chunks in memory, oldest first. Each operation takes a turn. */
const storeOf = () => {
  const chunks: Array<number> = []
  let looks = 0
  const sum = () => chunks.reduce((all, chunk) => all + chunk, 0)
  return {
    sum,
    looks: () => looks,
    put: async (bytes: number) => {
      await Promise.resolve()
      chunks.push(bytes)
    },
    remove: async (_: string, bytes: number) => {
      looks++
      await Promise.resolve()
      let removed = 0
      while (sum() > bytes && chunks.length > 0) removed += chunks.shift() ?? 0
      return { left: sum(), removed }
    }
  }
}

describe("room for log lines", () => {
  it("never exceeds the quota, with thirty services writing at once", async () => {
    const store = storeOf()
    const room = new OrganizationRoom(() => 10_000, store.remove)
    let most = 0
    const service = async () => {
      for (let nth = 0; nth < 200; nth++) {
        await room.write("acme", 100, () => store.put(100))
        most = Math.max(most, store.sum())
      }
    }
    await Promise.all(Array.from({ length: 30 }, service))
    expect(most).toBeLessThanOrEqual(10_000)
    expect(store.sum()).toBeGreaterThan(5_000)
    // 600,000 bytes were written: all chunks were checked every thousand bytes or so, not for each.
    expect(store.looks()).toBeLessThan(1_000)
  })

  it("is counted from the last check of all chunks, and anew after a failure", async () => {
    const store = storeOf()
    await store.put(5_000)
    let fails = true
    const room = new OrganizationRoom(
      () => 6_000,
      (organization, bytes) => (fails ? Promise.reject(new Error("away")) : store.remove(organization, bytes))
    )
    expect(room.bytes("acme")).toBeUndefined()
    await expect(room.check("acme")).rejects.toThrow("away")
    await expect(room.write("acme", 7_000, () => store.put(7_000))).rejects.toThrow("away")
    fails = false
    await room.check("acme")
    expect(room.bytes("acme")).toBe(5_000)
    await room.write("acme", 900, () => store.put(900))
    expect(room.bytes("acme")).toBe(5_900)
    await room.write("acme", 900, () => store.put(900))
    expect([room.bytes("acme"), store.sum()]).toEqual([1_800, 1_800])
    room.forget("acme")
    expect(room.bytes("acme")).toBeUndefined()
  })

  it("is granted to a chunk larger than the quota, once nothing older is left", async () => {
    const store = storeOf()
    const room = new OrganizationRoom(() => 100, store.remove)
    await room.write("acme", 50, () => store.put(50))
    await room.write("acme", 500, () => store.put(500))
    expect(store.sum()).toBe(500)
    await room.write("acme", 50, () => store.put(50))
    expect(store.sum()).toBe(50)
  })

  it("never exceeds the quota, whatever is written, checked and fails", async () => {
    const step = fc.record({
      what: fc.constantFrom("write", "write", "check", "fail"),
      bytes: fc.integer({ min: 1, max: 100 })
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { maxLength: 20 }), { maxLength: 5 }), async (services) => {
        const store = storeOf()
        const room = new OrganizationRoom(() => 1_000, store.remove)
        await Promise.all(
          services.map(async (steps) => {
            for (const { bytes, what } of steps) {
              if (what === "check") await room.check("acme")
              else if (what === "write") await room.write("acme", bytes, () => store.put(bytes))
              else await room.write("acme", bytes, () => Promise.reject(new Error("full"))).catch(() => undefined)
              expect(store.sum()).toBeLessThanOrEqual(1_000)
            }
          })
        )
        await room.check("acme")
        expect(room.bytes("acme")).toBe(store.sum())
      }),
      { numRuns: 500 }
    )
  })
})
