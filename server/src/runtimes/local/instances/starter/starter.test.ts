import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { isInit, wantsToBeFirst } from "./ownInit.ts"
import { sourceDigest, starterPrograms } from "./starterPrograms.ts"
import { starterFailure, startFile } from "./startFile.ts"

describe("the starter of containers", () => {
  it("was compiled from the source in this folder", () => {
    const source = readFileSync(join(import.meta.dirname, "starter.c"))
    expect(createHash("sha256").update(source).digest("hex")).toBe(sourceDigest)
  })

  it("is a static program for its architecture", () => {
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

  it("reads back the file's original input", () => {
    const text = fc.fullUnicodeString().filter((text) => !text.includes("\0"))
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
    expect(startFile(["a"], new Map(), true).toString()).toBe("1+\0a\0")
    expect(() => startFile(["a\0b"], new Map())).toThrow(/NUL/)
    expect(() => startFile(["a"], new Map([["A", "\0B=1"]]))).toThrow(/NUL/)
  })

  it("isn't the parent of an image's own init process, or of a program that must be the first process", () => {
    expect([["/init"], ["tini", "--", "app"], ["/usr/bin/dumb-init"]].map(isInit)).toEqual([true, true, true])
    expect([["/app/initialize"], ["node", "init"], []].map(isInit)).toEqual([false, false, false])
    const said = [
      "s6-overlay-suexec: fatal: can only run as pid 1",
      "init: must be run as PID 1",
      "runit: must be run as process no 1"
    ]
    expect(said.map(wantsToBeFirst)).toEqual([true, true, true])
    expect(["started with pid 1", "listening as pid 12", "must run as user 1"].map(wantsToBeFirst)).toEqual([
      false,
      false,
      false
    ])
  })

  it("explains why a program can't run, and is believed only with its exit code", () => {
    const said = "maxcloud-starter: /no/such: no such file or directory\n"
    expect(starterFailure(127, said, "nginx")).toMatchObject({ reason: "CommandNotFound", retryable: false })
    expect(starterFailure(126, "x\nmaxcloud-starter: a: exec format error\n", "nginx")?.reason).toBe("WrongPlatform")
    const ofFile = (code: number, line: string) => starterFailure(code, `x\nmaxcloud-starter: ${line}\n`, "nginx")
    expect(ofFile(127, "/a.sh: interpreter with a carriage return: /bin/sh: no such file or directory")).toMatchObject({
      reason: "CommandNotFound",
      message: expect.stringContaining('/a.sh has Windows line endings, so its interpreter is read as "/bin/sh\\r"'),
      fix: expect.stringContaining("dos2unix")
    })
    expect(ofFile(127, "/app: its loader: no such file or directory")).toMatchObject({
      reason: "CommandNotFound",
      message: expect.stringContaining("dynamic loader")
    })
    expect(ofFile(126, "/a.sh: interpreter /x: exec format error")?.reason).toBe("WrongPlatform")
    expect(ofFile(126, "/a: neither a program nor a script with #!: exec format error")?.reason).toBe(
      "CommandNotExecutable"
    )
    expect(starterFailure(1, said, "nginx")).toBeUndefined()
    expect(starterFailure(127, "sh: no such file\n", "nginx")).toBeUndefined()
  })
})
