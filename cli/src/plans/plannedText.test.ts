import { runInNewContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import { text } from "@maxcloud/config-schema"
import { FastCheck as fc } from "effect"
import { plannedText } from "./plannedText.ts"

const shown = (value: unknown) => plannedText(JSON.stringify(value))
const password = { secret: "DB_PASSWORD", version: 2 }
const api = { service: "api", property: "url" }

describe("values in a plan", () => {
  it("show references as a config writes them, with the version of a secret", () => {
    expect(shown(password)).toBe('secret("DB_PASSWORD") (version 2)')
    expect(shown({ ...password, version: null })).toBe('secret("DB_PASSWORD") (not set)')
    expect(shown(api)).toBe("api.url")
  })

  it("show a text as a config writes it, with the version of each of its secrets once", () => {
    expect(shown({ join: ["postgres://app:", password, "@db/", { secret: "DB", version: null }, "?", password] })).toBe(
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a config's own template literal
      'text`postgres://app:${secret("DB_PASSWORD")}@db/${secret("DB")}?${secret("DB_PASSWORD")}` (DB_PASSWORD: version 2, DB: not set)'
    )
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a config's own template literal
    expect(shown({ join: [api, "/v1"] })).toBe("text`${api.url}/v1`")
    expect(shown({ join: [] })).toBe("text``")
  })

  it("show every literal on one line that means the same text in a config", () => {
    const literal = fc.oneof(
      fc.string({ minLength: 1 }),
      fc.constantFrom("`", "${", "{", '"', "\\", "$", "\n", "\\`", "\r\n")
    )
    fc.assert(
      fc.property(fc.array(literal, { minLength: 1 }), (literals) => {
        const written = shown({ join: literals })
        expect(written).not.toMatch(/[\r\n]/)
        expect(runInNewContext(written, { text }).join.join("")).toStrictEqual(literals.join(""))
      })
    )
  })

  it("leave everything else unchanged", () => {
    for (const json of [
      '"internet"',
      "3",
      "null",
      '{"secret":"KEY"}',
      '{"property":"url","service":"api","weather":"fine"}',
      '{"join":[1]}',
      '["a","b"]',
      "no JSON"
    ])
      expect(plannedText(json)).toBe(json)
  })
})
