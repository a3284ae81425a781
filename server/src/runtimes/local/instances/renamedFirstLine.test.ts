import { text } from "node:stream/consumers"
import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { renamedFirstLine } from "./renamedFirstLine.ts"
import { execFailure } from "./starter/startFile.ts"

const shownOf = (written: string, pieces: ReadonlyArray<number>, program = "nosuch") => {
  const stream = renamedFirstLine((line) => execFailure(line, [program], "web"))
  let rest = Buffer.from(written)
  for (const size of pieces) {
    stream.write(rest.subarray(0, size))
    rest = rest.subarray(size)
  }
  stream.end(rest)
  return text(stream)
}
const sizes = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 10 })

describe("a program that an image's starter can't run", () => {
  it("is reported without the starter's name, however the line arrives", () =>
    fc.assert(
      fc.asyncProperty(sizes, fc.constantFrom("\n", "\r\n"), async (pieces, end) => {
        const line = `maxcloud-starter: nosuch: no such file or directory${end}`
        expect(await shownOf(line, pieces)).toBe(`nosuch: not found in the image of web${end}`)
      })
    ))

  it("names the missing interpreter of a script", async () => {
    const line = "maxcloud-starter: /a.sh: interpreter /bin/bash: no such file or directory\n"
    expect(await shownOf(line, [], "/a.sh")).toMatch(
      /^Couldn't run the program in web: the interpreter \/bin\/bash of the script \/a\.sh isn't in the image\./
    )
  })

  it("leaves all other output as it is", () =>
    fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.string().map((rest) => `maxcloud-starter: ${rest}`),
          fc.string().map((rest) => `x\nmaxcloud-starter: nosuch: no such file or directory\n${rest}`)
        ),
        sizes,
        async (written, pieces) => {
          expect(await shownOf(written, pieces)).toBe(Buffer.from(written).toString())
        }
      )
    ))
})
