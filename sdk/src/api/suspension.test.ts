import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { Suspend } from "./suspension.ts"

describe("the reason of a suspension", () => {
  it("has no characters that hide or reorder the text around it", () => {
    const isSuspend = Schema.is(Schema.typeSchema(Suspend))
    const accepts = (reason: string) => isSuspend({ reason, seconds: 60 })
    expect(accepts("Hotfix of the pool, incident 4711: größer")).toBe(true)
    for (const hidden of ["\u202e", "\u2066", "\u200b", "\u2028", "\n", "\0", "\u001b"])
      expect(accepts(`a${hidden}b`), JSON.stringify(hidden)).toBe(false)
  })
})
