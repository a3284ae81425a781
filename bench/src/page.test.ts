import { describe, expect, it } from "@effect/vitest"
import type { Row } from "./measure.ts"
import { newPage, updatedPage } from "./page.ts"

const row = (work: string, ours = "1 s"): Row => ({ work, ours, peer: "", ratio: "", goal: "" })
const worksIn = (page: string) =>
  [...page.matchAll(/^\| (.*?) \| (.*?) \|/gm)].slice(1).map(([, work, ours]) => [work, ours])

describe("the page of benchmarks", () => {
  it("keeps the rows of other benchmarks when one is written", () => {
    const page = newPage([row("a"), row("logs 1"), row("logs 2"), row("z")])
    const updated = updatedPage(page, /^logs/, [row("logs, renamed", "2 s")])
    expect(worksIn(updated)).toEqual([
      ["a", "1 s"],
      ["logs, renamed", "2 s"],
      ["z", "1 s"]
    ])
    expect(updatedPage(updated, /^logs/, [row("logs 1"), row("logs 2")])).toBe(page)
  })

  it("gets new rows at its end", () => {
    expect(worksIn(updatedPage(newPage([row("a")]), /^b/, [row("b")])).map(([work]) => work)).toEqual(["a", "b"])
  })
})
