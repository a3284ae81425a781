import { describe, expect, it } from "@effect/vitest"
import { makeSuccessors } from "./successors.ts"

describe("an applied service", () => {
  it("waits for its new revision", () => {
    const { applied, isAwaited } = makeSuccessors()
    applied("a", { generation: 1, newestRevision: "a-1" }, 2, 0)
    expect(isAwaited("a", "a-1", 1_000)).toBe(true)
    expect(isAwaited("a", "a-2", 2_000)).toBe(false)
    // Final: later, a rollback by Knative itself would be judged.
    expect(isAwaited("a", "a-1", 3_000)).toBe(false)
  })

  it("waits no longer than creating a revision takes", () => {
    const { applied, isAwaited } = makeSuccessors()
    applied("a", { generation: 1, newestRevision: "a-1" }, 2, 0)
    expect(isAwaited("a", "a-1", 14_999)).toBe(true)
    expect(isAwaited("a", "a-1", 15_000)).toBe(false)
  })

  it("doesn't wait if nothing changed or nothing existed", () => {
    const { applied, isAwaited } = makeSuccessors()
    applied("a", { generation: 2, newestRevision: "a-2" }, 2, 0)
    applied("b", undefined, 1, 0)
    applied("c", { generation: 1, newestRevision: "" }, 2, 0)
    for (const [id, revision] of [
      ["a", "a-2"],
      ["b", "b-1"],
      ["c", ""]
    ] as const) {
      expect(isAwaited(id, revision, 1)).toBe(false)
    }
  })
})
