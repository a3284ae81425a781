import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { eventPage, exampleOf } from "../../scripts/eventPage.ts"
import { eventKinds, eventTypes, matchesType } from "./eventKinds.ts"
import { CloudEvent, EventList, EventPattern } from "./events.ts"

describe("the kinds of events", () => {
  it("have an example that matches their schema", () => {
    for (const type of eventTypes) {
      const example = exampleOf(type)
      expect(Either.isRight(Schema.validateEither(Schema.typeSchema(CloudEvent))(example)), type).toBe(true)
      expect(eventKinds[type].isData(example.data), type).toBe(true)
      expect(type).toMatch(/^[a-z-]+\.[a-z-]+$/)
    }
  })

  it("match docs/reference/events.md (else run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../../docs/reference/events.md"), "utf8")
    expect(committed).toBe(eventPage())
  })

  it("are selected by a type, a prefix with `.*`, or `*`", () => {
    expect(
      ["deployment.failed", "deployment.*", "*", "deployment.", "deploy*", "deployment"].map((pattern) =>
        matchesType(pattern, "deployment.failed")
      )
    ).toStrictEqual([true, true, true, false, false, false])
    const isPattern = Schema.is(EventPattern)
    expect(isPattern("deployment.*")).toBe(true)
    for (const wrong of ["deploymnt.failed", "", "deployment", "**", ".*", "x".repeat(200)])
      expect(isPattern(wrong)).toBe(false)
  })

  it("are separated by commas in a query", () => {
    const decoded = Schema.decodeUnknownSync(EventList.parameters)({ type: "deployment.failed,deployment.*" })
    expect(decoded.type).toStrictEqual(["deployment.failed", "deployment.*"])
    const many = Array.from({ length: 21 }, () => "*").join(",")
    expect(Either.isLeft(Schema.decodeUnknownEither(EventList.parameters)({ type: many }))).toBe(true)
  })

  it("keep members that an older client doesn't know", () => {
    const event = { ...exampleOf("deployment.failed"), type: "moon.landed", data: { crew: 3 }, extra: true }
    expect(Schema.decodeUnknownSync(CloudEvent)(event)).toMatchObject({ type: "moon.landed" })
  })
})
