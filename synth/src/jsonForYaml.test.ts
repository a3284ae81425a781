import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { jsonForYaml } from "./jsonForYaml.ts"

/** go-yaml's rule (`yaml_parser_update_buffer`, readerc.go). */
const refused = /[^\t\n\r\u0020-\u007e\u0085\u00a0-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u

describe("JSON for YAML", () => {
  it("has no character that YAML refuses, and is the same value", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const written = jsonForYaml({ text })
        expect(refused.test(written)).toBe(false)
        expect(JSON.parse(written)).toStrictEqual({ text })
      }),
      { numRuns: 5_000, examples: [["\u007f\u0080\ufeff\uffff\u009f"]] }
    )
  })
})
