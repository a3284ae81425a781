import { describe, expect, it } from "@effect/vitest"
import { suggest } from "./suggest.ts"

describe("suggest", () => {
  it("finds the intended name, and nothing if no name is close", () => {
    const names = ["deploy", "delete", "list", "logs", "deployments"]
    expect(suggest("deplyo", names)).toBe("deploy")
    expect(suggest("lst", names)).toBe("list")
    expect(suggest("del", names)).toBe("delete")
    expect(suggest("frobnicate", names)).toBeUndefined()
  })
})
