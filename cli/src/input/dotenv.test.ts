import { describe, expect, it } from "@effect/vitest"
import { parse } from "dotenv"
import { Effect, Either } from "effect"
import * as fc from "effect/FastCheck"
import { parseDotenv } from "./dotenv.ts"

const read = (text: string) => Effect.runSync(Effect.either(parseDotenv(text, "f.env")))
const values = (text: string) =>
  Object.fromEntries(Either.getOrThrow(read(text)).map(({ name, value }) => [name, value]))
const failure = (text: string) => {
  const result = read(text)
  return Either.isLeft(result) ? result.left.message : "no failure"
}

describe("parseDotenv", () => {
  it("reads the syntax of dotenv files", () => {
    const text = `# a comment

A=1
export B = two words # comment
C="line 1
line 2=x"
D='single # no $comment "quoted" \\d'
E=a=b=c
F=
G=""
H="a\\nb"
I=it's "fine"`
    expect(values(text)).toEqual({
      A: "1",
      B: "two words",
      C: "line 1\nline 2=x",
      D: `single # no $comment "quoted" \\d`,
      E: "a=b=c",
      F: "",
      G: "",
      H: "a\nb",
      I: `it's "fine"`
    })
    expect(values("\uFEFFA=1\r\nB=2\r\n")).toEqual({ A: "1", B: "2" })
    expect(failure("A='1\r\n2'")).toBe("f.env:1: A has several lines in a file with CRLF line endings")
  })

  it("refuses lines that Docker Compose and dotenv read differently, with the line number but not the text", () => {
    const cases: ReadonlyArray<readonly [string, string]> = [
      ["A=pa#ss word", "A has a # without quotes"],
      ["A= # nothing?", "A has a # without quotes"],
      ["A=x\t# comment?", "A has a # without quotes"],
      [`A="{\\"type\\":\\"sa\\"}"`, "A has a backslash in double quotes that isn't \\n or \\r"],
      [`A="C:\\dir"`, "A has a backslash in double quotes that isn't \\n or \\r"],
      [`A="a\\\\n"`, "A has a backslash in double quotes that isn't \\n or \\r"],
      ["A=pa$$word", "A has a $ without quotes, which some tools replace by a variable"],
      [`A="pa$word"`, "A has a $ in double quotes, which some tools replace by a variable"],
      ["A=`x`", "A is in backticks, which only some tools read as quotes"],
      ["A='it\\'s'", "A has a backslash before its closing quote"],
      [`A="a"b"`, "A has text after its closing quote"],
      ["A='a' b", "A has text after its closing quote"],
      [`A="open`, `A has a " that isn't closed`],
      ["A=a\u00a0", "A has a control character or a special space without quotes"],
      ["A=1\rB=2", "this line has a carriage return without a line feed"],
      ["A=a\0b", "this line has a NUL byte"],
      ["# a\u2028B=2", "this line has a Unicode line break"],
      ["A", "this isn't NAME=value"],
      ["A: 1", "this isn't NAME=value"],
      ["a.b=1", "this isn't NAME=value"]
    ]
    for (const [text, message] of cases) {
      expect(failure(`FIRST="1\n2"\n${text}`), text).toBe(`f.env:3: ${message}`)
    }
  })

  it("names the invalid line without quoting it", () => {
    const pem = "KEY=-----BEGIN KEY-----\nMIIEvQIBADAN/bSECRET\n"
    expect(failure(pem)).toBe("f.env:2: this isn't NAME=value")
    expect(failure(`${pem.replace("bSECRET", "bSECRET==")}`)).toBe("f.env:2: this isn't NAME=value")
    expect(failure('A="x\ny"\nB=1\n\nA=2')).toBe("f.env:5: A is set twice")
    expect(failure("# nothing\n")).toBe("f.env has no NAME=value lines")
    expect(failure(`A=${"x".repeat(65_537)}`)).toContain("65537 characters")
    expect(failure(Array.from({ length: 201 }, (_, index) => `A${index}=1`).join("\n"))).toContain("201 secrets")
  })

  it("reads the same values as the package dotenv, or refuses", () => {
    const piece = fc.constantFrom(
      ..."'\"`#$\\= \t:".split(""),
      "\n",
      "\r\n",
      "a",
      "n",
      "\\n",
      " #",
      "ü",
      "\u00a0",
      "\u2028",
      "{",
      "\v"
    )
    const quoted = fc
      .tuple(fc.constantFrom('"', "'", ""), fc.array(piece, { maxLength: 6 }))
      .map(([quote, parts]) => `${quote}${parts.join("")}${quote}`)
    const line = fc.oneof(
      {
        weight: 4,
        arbitrary: fc
          .tuple(fc.constantFrom("A", "B", "export C", " D "), fc.constantFrom("=", " = ", "= "), quoted)
          .map((each) => each.join(""))
      },
      { weight: 1, arbitrary: fc.array(piece, { maxLength: 4 }).map((generated) => generated.join("")) },
      { weight: 1, arbitrary: fc.string({ maxLength: 12 }) }
    )
    let taken = 0
    fc.assert(
      fc.property(fc.array(line, { maxLength: 4 }), fc.constantFrom("", "\n"), (lines, end) => {
        const text = lines.join("\n") + end
        const result = read(text)
        if (Either.isLeft(result)) return
        taken++
        expect(Object.fromEntries(result.right.map((each) => [each.name, each.value]))).toEqual(parse(text))
      }),
      { numRuns: 5000 }
    )
    expect(taken).toBeGreaterThan(300)
  })
})
