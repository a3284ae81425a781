import { describe, expect, it } from "@effect/vitest"
import { failureLines, isAway, isDiskFull } from "./failureLines.ts"

const usage = Array.from({ length: 60 }, (_, at) => `npm error   --option-${at}\nnpm error     What it does`).join("\n")

describe("the lines of a failed tool", () => {
  it("contain npm's cause, not its usage text", () => {
    const output = `npm error code EUSAGE
npm error
npm error \`npm ci\` can only install packages when your package.json and package-lock.json are in sync.
npm error
npm error Invalid: lock file's ms@2.1.3 does not satisfy ms@2.0.0
npm error
npm error Clean install a project
npm error
npm error Usage:
npm error npm ci
${usage}
npm error A complete log of this run can be found in: /root/.npm/_logs/x.log`
    expect(failureLines(output)).toBe(`npm error code EUSAGE
npm error \`npm ci\` can only install packages when your package.json and package-lock.json are in sync.
npm error Invalid: lock file's ms@2.1.3 does not satisfy ms@2.0.0`)
  })

  it("are the last ones of another tool, one per line, without colors", () => {
    expect(failureLines("one\r\n\u001b[31mtwo\u001b[0m\n\n")).toBe("one\ntwo")
    const many = Array.from({ length: 100 }, (_, at) => `line ${at}`).join("\n")
    expect(failureLines(many).split("\n")).toHaveLength(20)
    expect(failureLines(many)).toContain("line 99")
  })

  it.each([
    ["npm error 503 Service Unavailable - GET https://registry.example/x", true],
    ["npm error code E502", true],
    ["ERR_PNPM_FETCH_503  GET https://registry.example/x: Service Unavailable - 503", true],
    ["ERROR: HTTP error 502 while getting https://x", true],
    ["getaddrinfo EAI_AGAIN registry.example", true],
    ["    at build (node_modules/webpack/lib/NormalModule.js:503:5)", false],
    ["added 502 packages in 3s", false]
  ])("tell whether the network was unreachable, so that a retry makes sense: %s", (line, expected) => {
    expect(isAway(line)).toBe(expected)
  })

  it("tell about a full disk, which is only a warning of npm", () => {
    expect(isDiskFull("npm warn tar TAR_ENTRY_ERROR ENOSPC: no space left on device, write")).toBe(true)
    expect(isDiskFull("added 312 packages")).toBe(false)
  })
})
