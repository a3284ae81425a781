import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { takeClaim } from "./takeClaim.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "claims-"))
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Takes 200 claims one after the other in a process of its own, and returns how many it got. */
const taking = async (former: string) => {
  const script = `const { takeClaim } = await import(${JSON.stringify(new URL("./takeClaim.ts", import.meta.url).href)})
    let got = 0
    for (let at = 0; at < 200; at++) if (takeClaim(${JSON.stringify(folder)} + "/" + at, ${former}, "of " + process.pid)) got++
    console.log(got)`
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script])
  return Number(stdout)
}
const together = async (former: string) =>
  (await Promise.all(Array.from({ length: 4 }, () => taking(former)))).reduce((all, got) => all + got)

describe("a claim", () => {
  it("goes to one of several processes that try at once", async () => {
    expect(await together("undefined")).toBe(200)
    expect(readdirSync(folder)).toHaveLength(200)
  })

  it("is taken over by one process if it was left behind", async () => {
    for (let at = 0; at < 200; at++) writeFileSync(join(folder, String(at)), "left behind")
    expect(await together('"left behind"')).toBe(200)
    expect(readdirSync(folder)).toHaveLength(200)
  })

  it("stays with a process that took it meanwhile", () => {
    const file = join(folder, "claim")
    writeFileSync(file, "theirs")
    expect(takeClaim(file, "left behind", "ours")).toBe(false)
    expect(takeClaim(file, undefined, "ours")).toBe(false)
    expect(readFileSync(file, "utf8")).toBe("theirs")
    expect(readdirSync(folder)).toStrictEqual(["claim"])
  })
})
