import { describe, expect, it } from "@effect/vitest"
import { bundle, bundles } from "./bundles.ts"

describe.each(Object.entries(bundles))("the bundle of %s", (name, settings) => {
  it("builds, and imports no names from CommonJS packages", async () => {
    expect((await bundle(name, settings, false)).length).toBeGreaterThan(100)
  }, 60_000)
})
