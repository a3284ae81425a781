import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { explainReason, findDiagnosisCode } from "@maxcloud/sdk"

const sources = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((_) => _.endsWith(".ts") && !_.includes("test"))
    .map((_) => join(folder, _))

const folders = ["../local", "../kubernetes/status", "../../control/deployments", "../../control/services"].map((_) =>
  join(import.meta.dirname, _)
)

/** Reasons of errors inside the server, which no status shows, and of what went well. */
const inner = new Set(["Stopped", "Succeeded"])

describe("each reason that a status, a revision or a deployment may have", () => {
  const reasons = folders.flatMap(sources).flatMap((file) => {
    const text = readFileSync(file, "utf8")
    return [
      ...text.matchAll(/(?:reason: |finish\([^)]*"failed", |const \w+ = (?="\w+" satisfies StatusReason))"([A-Z]\w+)"/g)
    ].map(([, reason]) => reason ?? "")
  })
  const all = [...new Set(reasons)].filter((_) => !inner.has(_)).sort()

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
