import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { sourceDigest, starterPrograms } from "./starterPrograms.ts"
import { starterFailure, startFile } from "./startFile.ts"

describe("the starter of containers", () => {
  it("was compiled from the source that is here", () => {
    const source = readFileSync(join(import.meta.dirname, "starter.c"))
    expect(createHash("sha256").update(source).digest("hex")).toBe(sourceDigest)
  })

  it("is a static program of its architecture", () => {
    const machines = Object.entries(starterPrograms).map(([name, lines]) => {
      const program = Buffer.from(lines.join(""), "base64")
      expect(program.subarray(0, 4).toString("latin1")).toBe("\x7fELF")
      return [name, program.readUInt16LE(16), program.readUInt16LE(18)]
    })
    // ET_EXEC; EM_X86_64 and EM_AARCH64.
    expect(machines).toEqual([
      ["amd64", 2, 62],
      ["arm64", 2, 183]
    ])
  })

  it("reads back what the file was made from", () => {
    const text = fc.fullUnicodeString().filter((_) => !_.includes("\0"))
    const name = fc.stringMatching(/^[A-Z_]{1,9}$/)
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), fc.dictionary(name, text), (words, env) => {
        const file = startFile(words, new Map(Object.entries(env)))
        expect(file.at(-1)).toBe(0)
        const [count, ...entries] = file.subarray(0, -1).toString("utf8").split("\0")
        expect(entries.slice(0, Number(count))).toEqual(words)
        expect(entries.slice(Number(count))).toEqual(Object.entries(env).map(([key, value]) => `${key}=${value}`))
      }),
      { numRuns: 1_000 }
    )
    expect(() => startFile(["a\0b"], new Map())).toThrow(/NUL/)
    expect(() => startFile(["a"], new Map([["A", "\0B=1"]]))).toThrow(/NUL/)
  })

  it("says why a program can't be run, and is believed only with its exit code", () => {
    const said = "maxcloud-starter: /no/such: no such file or directory\n"
    expect(starterFailure(127, said, "nginx")).toMatchObject({ reason: "CommandNotFound", retryable: false })
    expect(starterFailure(126, "x\nmaxcloud-starter: a: exec format error\n", "nginx")?.reason).toBe("WrongPlatform")
    expect(starterFailure(1, said, "nginx")).toBeUndefined()
    expect(starterFailure(127, "sh: no such file\n", "nginx")).toBeUndefined()
  })
})
