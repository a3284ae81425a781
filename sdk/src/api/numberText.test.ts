import { describe, expect, it } from "@effect/vitest"
import { Either, Schema } from "effect"
import { EventList } from "./events.ts"
import { integerText } from "./numberText.ts"

const read = <A, I>(schema: Schema.Schema<A, I>, value: unknown) =>
  Either.mapLeft(Schema.decodeUnknownEither(schema)(value), (error) => error.message)

describe("a number in a query", () => {
  it("is decimal digits in its range, and nothing else that JavaScript takes for a number", () => {
    const limit = integerText(1, 1000)
    expect(read(limit, "100")).toStrictEqual(Either.right(100))
    expect(Schema.encodeSync(limit)(100)).toBe("100")
    for (const text of ["0x10", "1e2", "1.0", " 1", "1 ", "+1", "", "١", "Infinity", "1_0", "-1", "0", "1001"]) {
      expect(read(limit, text), text).toMatchObject({ left: expect.stringContaining("whole number from 1 to 1000") })
    }
  })

  it("names the range of a sequence", () => {
    for (const after of ["-1", "9999999999999999", "x"]) {
      expect(read(EventList.parameters, { after }), after).toMatchObject({
        left: expect.stringContaining("a whole number from 0 to 999999999999999")
      })
    }
  })
})
