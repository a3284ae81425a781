import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { imageSettings, unusedSettings } from "./imageSettings.ts"

const check = (...Test: ReadonlyArray<string>) => imageSettings({ Test }, null)

describe("settings in an image that have no effect", () => {
  it("come with the config to write instead", () => {
    const said = unusedSettings(check("CMD-SHELL", "curl -f http://localhost:8080/healthz || exit 1"), false)
    expect(said?.message).toBe("the image's HEALTHCHECK (curl -f http://localhost:8080/healthz || exit 1) isn't used")
    expect(said?.fix).toBe('Write `probes: { readiness: { path: "/healthz" } }` in the config.')
    const path = (command: string) => unusedSettings(check("CMD", command), false)?.fix
    expect(path("wget -qO- http://127.0.0.1/status/live")).toContain('path: "/status/live"')
    expect(path("pg_isready")).toContain('path: "/healthz"')
    expect(unusedSettings(imageSettings(null, { "/data": {} }), true)?.message).toBe(
      "data in the image's VOLUME /data is lost when an instance stops"
    )
    const many = imageSettings({ Test: ["CMD", "true"] }, { "/a": {}, "/b": {}, "/c": {}, "/d": {}, "/e": {} })
    expect(unusedSettings(many, false)?.message).toContain(
      "isn't used, and data in the image's VOLUME /a, /b, /c and 2 more"
    )
  })

  it("are none if the image has none, or the config has a check of its own", () => {
    expect(unusedSettings(imageSettings(undefined, undefined), false)).toBeUndefined()
    expect(unusedSettings(check("NONE"), false)).toBeUndefined()
    expect(unusedSettings(check("CMD-SHELL", "true"), true)).toBeUndefined()
  })

  it("are printed without the builder's control characters, and limited", () => {
    fc.assert(
      fc.property(fc.array(fc.fullUnicodeString()), fc.array(fc.fullUnicodeString()), (words, folders) => {
        const settings = imageSettings(
          { Test: ["CMD", ...words] },
          Object.fromEntries(folders.map((folder) => [folder, {}]))
        )
        const said = unusedSettings(settings, false)
        expect(said?.message ?? "").not.toMatch(/[\p{Cc}\p{Cf}]/u)
        expect((said?.message ?? "").length).toBeLessThan(1_200)
      }),
      { numRuns: 500 }
    )
  })
})
