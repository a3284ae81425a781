import { spawnSync } from "node:child_process"
import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import fc from "fast-check"
import { shellWords } from "./shellWords.ts"

const words = (text: string) => Either.getOrElse(shellWords(text), (problem) => problem)

describe("a command written as one text", () => {
  it("is split as a shell splits it", () => {
    expect(words("node server.js")).toEqual(["node", "server.js"])
    expect(words(`sh -c 'echo "hi there"; exec app'`)).toEqual(["sh", "-c", 'echo "hi there"; exec app'])
    expect(words(`a "b c" d\\ e "" f"g"h "\\$x \\n"`)).toEqual(["a", "b c", "d e", "", "fgh", "$x \\n"])
    expect(words("  $(NAME) a|b >c ")).toEqual(["$(NAME)", "a|b", ">c"])
  })

  it("is refused if a quote is open or it is empty", () => {
    expect([words("a 'b"), words('"'), words("a\\"), words("  ")]).toEqual([
      "its quote ' isn't closed",
      "its quote \" isn't closed",
      "it ends with a backslash",
      "it is empty"
    ])
  })

  it("splits back into the words that were quoted", () => {
    fc.assert(
      fc.property(fc.array(fc.fullUnicodeString({ maxLength: 20 }), { minLength: 1 }), (given) => {
        const text = given.map((each) => `'${each.replaceAll("'", `'\\''`)}'`).join(" ")
        expect(words(text)).toEqual(given)
      }),
      { numRuns: 2_000 }
    )
  })

  it("matches a shell's own result", () => {
    const part = fc.constantFrom("a", "b c", "'d e'", '"f g"', "\\ ", '"\\""', "''", '"\'"', "\\'", " ")
    const texts = fc
      .sample(fc.array(part, { minLength: 1, maxLength: 8 }), { numRuns: 200, seed: 1 })
      .map((each) => each.join(""))
    const script = texts.map((text) => `printf '%s\\001' ${text}; printf '\\002'`).join("\n")
    const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8" })
    const shell = stdout.split("\x02").slice(0, -1)
    expect(shell).toHaveLength(texts.length)
    for (const [index, text] of texts.entries()) {
      // Without an argument, `printf` prints its format once too.
      const expected = (shell[index] ?? "").split("\x01").slice(0, -1)
      expect(words(text)).toEqual(text.trim() === "" ? "it is empty" : expected)
    }
  })
})
