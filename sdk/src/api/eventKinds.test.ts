import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { eventPage, exampleOf } from "../../scripts/eventPage.ts"
import { eventKinds, eventTypes, matchesType } from "./eventKinds.ts"
import { CloudEvent, EventParameters, EventPattern } from "./events.ts"

describe("the kinds of events", () => {
  it("have an example that is as their schema says", () => {
    for (const type of eventTypes) {
      const example = exampleOf(type)
      assert.isTrue(Either.isRight(Schema.validateEither(Schema.typeSchema(CloudEvent))(example)), type)
      assert.isTrue(eventKinds[type].isData(example.data), type)
      assert.match(type, /^[a-z-]+\.[a-z-]+$/)
    }
  })

  it("match docs/reference/events.md (else run `npm run generate`)", () => {
    const committed = readFileSync(join(import.meta.dirname, "../../../docs/reference/events.md"), "utf8")
    assert.strictEqual(committed, eventPage())
  })

  it("are selected by a type, a beginning with `.*`, or `*`", () => {
    assert.deepStrictEqual(
      ["deployment.failed", "deployment.*", "*", "deployment.", "deploy*", "deployment"].map((pattern) =>
        matchesType(pattern, "deployment.failed")
      ),
      [true, true, true, false, false, false]
    )
    const isPattern = Schema.is(EventPattern)
    assert.isTrue(isPattern("deployment.*"))
    for (const wrong of ["deploymnt.failed", "", "deployment", "**", ".*", "x".repeat(200)])
      assert.isFalse(isPattern(wrong))
  })

  it("are written in a query with commas between them", () => {
    const decoded = Schema.decodeUnknownSync(EventParameters)({ type: "deployment.failed,deployment.*" })
    assert.deepStrictEqual(decoded.type, ["deployment.failed", "deployment.*"])
    const many = Array.from({ length: 21 }, () => "*").join(",")
    assert.isTrue(Either.isLeft(Schema.decodeUnknownEither(EventParameters)({ type: many })))
  })

  it("leave what an older client doesn't know in place", () => {
    const event = { ...exampleOf("deployment.failed"), type: "moon.landed", data: { crew: 3 }, extra: true }
    assert.include(Schema.decodeUnknownSync(CloudEvent)(event), { type: "moon.landed" })
  })
})
