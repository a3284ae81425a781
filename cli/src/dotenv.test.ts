import { parseEnv } from "node:util"
import { Effect, Either } from "effect"
import * as fc from "effect/FastCheck"
import { describe, expect, it } from "vitest"
import { parseDotenv } from "./dotenv.ts"

const read = (text: string) => Effect.runSync(Effect.either(parseDotenv(text, "f.env")))
const values = (text: string) =>
  Object.fromEntries(Either.getOrThrow(read(text)).map(({ name, value }) => [name, value]))
const failure = (text: string) => {
  const result = read(text)
  return Either.isLeft(result) ? result.left.message : "no failure"
}

describe("parseDotenv", () => {
  it("reads what dotenv files hold", () => {
    const text = `# a comment

A=1
export B = two words # told
C="line 1
line 2=x"
D='single # no comment'
E=a=b=c`
    expect(values(text)).toEqual({
      A: "1",
      B: "two words",
      C: "line 1\nline 2=x",
      D: "single # no comment",
      E: "a=b=c"
    })
    expect(values("\uFEFFA=1\r\nB=2\r\n")).toEqual({ A: "1", B: "2" })
  })

  it("tells the line of what is wrong, and quotes nothing of it", () => {
    const pem = "KEY=-----BEGIN KEY-----\nMIIEvQIBADAN/bSECRET\n"
    expect(failure(pem)).toBe("f.env:2: this is no NAME=value")
    expect(failure(`${pem.replace("bSECRET", "bSECRET==")}`)).toBe("f.env:2: this is no name of a secret")
    expect(failure('A="x\ny"\nB=1\n\nA=2')).toBe("f.env:5: A stands twice")
    expect(failure("A=1\nB=")).toBe("f.env:2: B is empty")
    expect(failure('B=""')).toBe("f.env:1: B is empty")
    expect(failure("# nothing\n")).toBe("f.env holds no NAME=value")
    expect(failure(`A=${"x".repeat(65_537)}`)).toContain("65537 characters")
    expect(failure(Array.from({ length: 201 }, (_, index) => `A${index}=1`).join("\n"))).toContain("201 secrets")
  })

  it("finds the names that Node's own parser finds, or fails", () => {
    const line = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.stringMatching(/^[A-C]=["'`]?[a-z =#]{0,4}["'`]?$/),
      fc.constant("")
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), (lines) => {
        const text = lines.join("\n")
        const result = read(text)
        if (Either.isLeft(result)) return
        const found = Object.fromEntries(result.right.map((_) => [_.name, _.value]))
        expect(found).toEqual({ ...parseEnv(text.replaceAll("\r\n", "\n")) })
      }),
      { numRuns: 2000 }
    )
  })
})
