import { describe, expect, it } from "@effect/vitest"
import { deadlineOf, measuredBy } from "./deadlines.ts"
import type { Begun } from "./stageBase.ts"

const row: Begun = {
  id: "dep_1",
  number: 1,
  finished: false,
  overdue: false,
  remaining_ms: 400,
  force_conflicts: false,
  conflicted: false,
  inventory: []
}

describe("a deadline", () => {
  it("is the database's when a deployment is first seen", () => {
    expect(deadlineOf(undefined, row, 1_000, 600)).toEqual({ id: "dep_1", atMs: 1_400 })
    expect(deadlineOf(undefined, { ...row, overdue: true }, 1_000, 600)).toEqual({ id: "dep_1", atMs: 1_000 })
  })

  it("is never further away than the full duration, nor in the past, whatever the database's clock says", () => {
    expect(deadlineOf(undefined, { ...row, remaining_ms: 86_400_000 }, 1_000, 600).atMs).toBe(1_600)
    expect(deadlineOf(undefined, { ...row, remaining_ms: -86_400_000 }, 1_000, 600).atMs).toBe(1_000)
  })

  it("stays the same when the database's clock is set, until another deployment arrives", () => {
    const known = { id: "dep_1", atMs: 1_400 }
    expect(deadlineOf(known, { ...row, overdue: true, remaining_ms: 0 }, 1_200, 600)).toBe(known)
    expect(deadlineOf(known, { ...row, id: "dep_2" }, 1_200, 600)).toEqual({ id: "dep_2", atMs: 1_600 })
  })

  it("decides whether a deployment is overdue", () => {
    expect(measuredBy({ id: "dep_1", atMs: 1_400 }, row, 1_399)).toMatchObject({ overdue: false, remaining_ms: 1 })
    expect(measuredBy({ id: "dep_1", atMs: 1_400 }, row, 1_400)).toMatchObject({ overdue: true, remaining_ms: 0 })
  })
})
