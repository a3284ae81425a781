import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { hostRights } from "./dockerfileRights.ts"

describe("flags that give a step of a Dockerfile this machine's rights", () => {
  it.each([
    ["RUN --network=host curl x", 1],
    ["FROM x\nrun  --mount=type=cache,target=/x --Network=HOST npm ci", 2],
    ["FROM x\nRUN --security=insecure x", 2],
    ["FROM x\nRUN \\\n  --mount=type=cache,target=/x \\\n # why\n\n  --network=host \\\n  npm ci", 2],
    ["# escape=`\nFROM x\nRUN `\n --network=host x", 3],
    ["FROM x\r\nONBUILD RUN --network=host x\r\n", 2],
    ["RUN --network=$MODE x", 1]
  ])("are found in %j", (text, line) => {
    expect(hostRights(text)?.line).toBe(line)
  })

  it.each([
    "RUN curl --network=host x",
    "RUN --network=none x",
    "RUN --network=default --mount=type=cache,target=/x npm ci",
    "COPY --network=host /x /",
    "# RUN --network=host x",
    'CMD ["run", "--network=host"]'
  ])("aren't seen in %j", (text) => {
    expect(hostRights(text)).toBeUndefined()
  })

  it("are found wherever an instruction is split into lines", () => {
    const gap = fc.constantFrom(" ", "  ", "\t", " \\\n", " \\\r\n  ", " \\\n# a comment\n", " \\\n\n")
    fc.assert(
      fc.property(fc.array(gap, { minLength: 1, maxLength: 4 }), gap, fc.boolean(), (gaps, last, cached) => {
        const mount = cached ? `--mount=type=cache,target=/x${last}` : ""
        expect(hostRights(`FROM x\nRUN${gaps.join("")}${mount}--network=host npm ci`)?.line).toBe(2)
      })
    )
  })
})
