import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { explainReason, findDiagnosisCode } from "@maxcloud/sdk"

const sources = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((text) => text.endsWith(".ts") && !text.includes("test"))
    .map((value) => join(folder, value))

const folders = ["../local", "../kubernetes/status", "../../control/deployments", "../../control/services"].map(
  (name) => join(import.meta.dirname, name)
)

/** Internal error reasons that no status shows, and reasons of successes. */
const inner = new Set(["Stopped", "Succeeded"])

describe("each reason of a status, revision or deployment", () => {
  const reasons = folders.flatMap(sources).flatMap((file) => {
    const text = readFileSync(file, "utf8")
    return [
      ...text.matchAll(/(?:reason: |finish\([^)]*"failed", |const \w+ = (?="\w+" satisfies StatusReason))"([A-Z]\w+)"/g)
    ].map(([, reason]) => reason ?? "")
  })
  const all = [...new Set(reasons)].filter((value) => !inner.has(value)).sort()

  it("is found", () => {
    expect(all).toEqual(
      expect.arrayContaining([
        "CannotStart",
        "NoTraffic",
        "RevisionFailed",
        "ServiceFailed",
        "StillCalled",
        "Superseded"
      ])
    )
    expect(all.length).toBeGreaterThan(25)
  })

  it.each(all)("is explained: %s", (reason) => {
    expect(findDiagnosisCode(reason) ?? explainReason(reason)).toBeDefined()
  })
})
