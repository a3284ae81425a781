import { describe, expect, it } from "@effect/vitest"
import { editDistance, suggest } from "./suggest.ts"

describe("suggest", () => {
  it("counts a swap of neighbours as one edit", () => {
    expect(editDistance("lsit", "list")).toBe(1)
    expect(editDistance("", "abc")).toBe(3)
    expect(editDistance("kitten", "sitting")).toBe(3)
  })

  it("finds the intended name, and nothing if no name is close", () => {
    const names = ["deploy", "delete", "list", "logs", "deployments"]
    expect(suggest("deplyo", names)).toBe("deploy")
    expect(suggest("lst", names)).toBe("list")
    expect(suggest("del", names)).toBe("delete")
    expect(suggest("frobnicate", names)).toBeUndefined()
  })
})
