import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { isMissed, rowLine } from "./goals.ts"

const row = (ours: string, ratio: string, goal: string) => ({ work: "work", ours, peer: "peer", ratio, goal })

describe("a benchmark's goal", () => {
  it.each([
    row("51 ms", "2.01 ×", "≤ 2 ×"),
    row("1.6 s", "", "≤ 1.5 s"),
    row("2.01 s", "4.30 ×", "≤ 2 s, ≤ 6 ×"),
    row("1.21 s", "6.01 ×", "≤ 2 s, ≤ 6 ×"),
    row("12.4 s", "+ 3.05 s", "≤ its build + 1.5 s"),
    row("266 ms", "+ 710 ms", "≤ its start + 0.7 s"),
    row("161 MB", "", "≤ 160 MB"),
    row("1.1 %", "", "≤ 1 %"),
    row("3318 lines/s", "0.35 ×", "≥ 1 ×")
  ])("is missed by $ours, $ratio: $goal", (missed) => {
    expect(isMissed(missed)).toBe(true)
    expect(rowLine(missed)).toContain(`${missed.goal} (**missed**) |`)
  })

  it.each([
    row("51 ms", "2.00 ×", "≤ 2 ×"),
    row("1.21 s", "4.30 ×", "≤ 2 s, ≤ 6 ×"),
    row("12.4 s", "+ 0.20 s", "≤ its build + 1.5 s"),
    row("266 ms", "+ 210 ms", "≤ its start + 0.7 s"),
    row("22384 requests/s", "1.04 ×", "≥ 0.8 ×"),
    row("9.4 kB", "0.93 ×", "linear: about 1 ×"),
    row("7 ms", "2.37 ×", "")
  ])("is reached by $ours, $ratio: $goal", (reached) => {
    expect(isMissed(reached)).toBe(false)
  })

  it("is marked in the page if a row misses it", () => {
    const lines = readFileSync(join(import.meta.dirname, "../../docs/benchmarks.md"), "utf8").split("\n")
    const rows = lines.filter((line) => /^\| (?!work \|)/.test(line))
    expect(rows.length).toBeGreaterThan(20)
    const written = rows.map((line) => {
      const [work = "", ours = "", peer = "", ratio = "", goal = ""] = line
        .split("|")
        .slice(1)
        .map((cell) => cell.trim())
      return rowLine({ work, ours, peer, ratio, goal: goal.replace(" (**missed**)", "") }).replace(/ +/g, " ")
    })
    expect(written).toEqual(rows.map((line) => line.replace(/ +/g, " ")))
  })
})
