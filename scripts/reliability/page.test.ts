import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { drawsOf, pick } from "../kills/draws.ts"
import { kindOf, kinds } from "../kills/kill.ts"
import { killsOf } from "../kills/ledger.ts"
import { pictureOf } from "../soak/picture.ts"
import { pageFile, pictureFile, readMeasured } from "./measured.ts"
import { renderFaults, renderKills, renderPage } from "./page.ts"

const root = join(import.meta.dirname, "../..")

describe("the page about reliability", () => {
  it("has the tables and the picture of the measurements (else run npm run generate)", () => {
    const measured = readMeasured()
    const page = readFileSync(pageFile, "utf8")
    expect(page).toBe(renderPage(page, measured))
    if (measured.soak !== undefined) expect(readFileSync(pictureFile, "utf8")).toBe(pictureOf(measured.soak))
  })

  it("names an existing test for every fault, and each fault once", () => {
    const { faults } = readMeasured()
    expect(faults.filter((fault) => !existsSync(join(root, fault.test))).map((fault) => fault.test)).toStrictEqual([])
    expect(new Set(faults.map((fault) => fault.fault)).size).toBe(faults.length)
  })

  it("adds up batches, and shows every finding", () => {
    const batch = {
      date: "2030-01-02",
      machine: "a | b",
      commit: "0123456789ab",
      seed: 7,
      seconds: 120,
      kills: { "the server": 3, "its database": 2 },
      acknowledged: { deployments: 10, secrets: 20, lines: 30, requests: 40 },
      faults: { lost: 1, orphan: 0, database: 0, other: 0 },
      recoveryMs: { median: 800, longest: 1_500 },
      notes: ["round 3: the secret KEY is gone"]
    }
    expect(killsOf(batch)).toBe(5)
    const text = renderKills([batch, batch])
    expect(text).toContain("| **Kills (SIGKILL)** | **10** |")
    expect(text).toContain("| **Acknowledged and lost** | **2** |")
    expect(text).toContain("- Seed 7: round 3: the secret KEY is gone")
    expect(text).toContain("a \\| b")
  })

  it("writes each fault as one row, whatever its text contains", () => {
    const outcome = { fault: "f", recovery: "r", seconds: 1.5, test: "server/test/a.test.ts", date: "2030-01-02" }
    const [, , ...rows] = renderFaults([{ ...outcome, seen: "two\nlines | and a bar" }]).split("\n")
    expect(rows).toStrictEqual(["| f | two lines \\| and a bar | r | 1.5 | `server/test/a.test.ts`, 2030-01-02 |"])
  })
})

describe("the draws of kills", () => {
  it("are the same for the same seed, and different for another", () => {
    const drawn = (seed: number) => Array.from({ length: 50 }, (_, round) => kindOf(drawsOf(seed), round))
    expect(drawn(7)).toStrictEqual(drawn(7))
    expect(drawn(7)).not.toStrictEqual(drawn(8))
  })

  it("match their weights", () => {
    const draws = drawsOf(1)
    const counts = new Map<string, number>()
    const count = 10_000
    for (let round = 0; round < count; round++) {
      const kind = kindOf(draws, round)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    }
    for (const [kind, weight] of Object.entries(kinds)) {
      expect(Math.abs((counts.get(kind) ?? 0) / count - weight / 100)).toBeLessThanOrEqual(0.02)
    }
    expect(
      pick(0, [
        ["a", 1],
        ["b", 1]
      ])
    ).toBe("a")
    expect(
      pick(0.999, [
        ["a", 1],
        ["b", 1]
      ])
    ).toBe("b")
  })
})
