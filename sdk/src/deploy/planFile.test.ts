import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import { parsePlanFile } from "./planFile.ts"

describe("a plan's file", () => {
  it("is refused if it has fields that nothing reads, with their places", () => {
    const plan = { kind: "maxcloud-plan", version: 1, plan: {}, spec: { app: "shop", services: [] }, mesage: "typo" }
    const refused = Either.getOrElse(Either.flip(parsePlanFile(JSON.stringify(plan))), () => "")
    expect(refused).toMatch(/^mesage: /m)
  })
})
