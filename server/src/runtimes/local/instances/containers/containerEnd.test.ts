import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { containerEnd, neverRan, type SeenEnd } from "./containerEnd.ts"

const exited = (ExitCode: number, more: { OOMKilled?: boolean; Status?: string } = {}) => ({
  Status: "exited",
  ExitCode,
  ...more
})
const seen = (given: Partial<SeenEnd>): SeenEnd => ({
  engine: "podman",
  code: 0,
  state: exited(0),
  errorOutput: "",
  asked: false,
  hasInit: true,
  limited: true,
  ...given
})
const ends = (code: number | null, signal: string | null = null, outOfMemory = false) => ({ code, signal, outOfMemory })

describe("the end of a container", () => {
  it("is the program's if it exited on its own", () => {
    expect(containerEnd(seen({ state: exited(3), code: 3 }))).toEqual(ends(3))
    expect(containerEnd(seen({ state: exited(139), code: 139 }))).toEqual(ends(139))
    const killed = seen({ state: exited(137), code: 137, errorOutput: "bye\nmaxcloud-starter: killed by SIGKILL\n" })
    expect(containerEnd(killed)).toEqual(ends(null, "SIGKILL"))
  })

  it("is the memory limit's if the kernel says so, or nobody knows another reason", () => {
    const killed = { state: exited(137), code: 137 }
    const said = (why: string) => ({ ...killed, errorOutput: `maxcloud-starter: killed${why}\n` })
    const forMemory = ends(null, "SIGKILL", true)
    expect(containerEnd(seen(said(", out of memory")))).toEqual(forMemory)
    expect(containerEnd(seen(said(", for an unknown reason")))).toEqual(forMemory)
    expect(containerEnd(seen({ ...killed, state: exited(137, { OOMKilled: true }) }))).toEqual(forMemory)
    expect(containerEnd(seen({ ...killed, hasInit: false }))).toEqual(forMemory)
    expect(containerEnd(seen({ ...killed, hasInit: false, limited: false }))).toEqual(ends(null, "SIGKILL"))
  })

  it.each<[string, Partial<SeenEnd>]>([
    ["removed", { state: undefined, code: 0 }],
    ["removed", { state: undefined, code: 137 }],
    ["killed", { state: exited(137), code: 137 }],
    ["stopped with SIGTERM", { state: exited(207), code: 207 }],
    ["podman process", { state: exited(0, { Status: "running" }), code: null }],
    ["watches its container", { state: exited(-1), code: 255 }]
  ])("is never the program's exit code if somebody else ended it: %s", (how, given) => {
    const end = containerEnd(seen(given))
    expect(end).toMatchObject({ code: null, signal: null, outOfMemory: false })
    expect(end.outside).toContain(how)
  })

  it("is the server's, and nobody else's, if the server stopped it", () => {
    fc.assert(
      fc.property(
        fc.option(fc.integer({ min: -1, max: 255 }), { nil: null }),
        fc.option(
          fc.record({
            Status: fc.constantFrom("exited", "running", "created"),
            ExitCode: fc.integer({ min: -1, max: 255 })
          }),
          {
            nil: undefined
          }
        ),
        fc.boolean(),
        (code, state, hasInit) => {
          const given = seen({ code, state, hasInit, asked: true })
          expect(neverRan(given)).toBe(false)
          expect(containerEnd(given)).toMatchObject({ outOfMemory: false })
          expect(containerEnd(given)).not.toHaveProperty("outside")
        }
      ),
      { numRuns: 500 }
    )
    expect(containerEnd(seen({ asked: true, state: exited(207), code: 207 }))).toEqual(ends(0))
  })

  it("is nobody's if it never ran", () => {
    expect(neverRan({ asked: false, code: 126, state: undefined })).toBe(true)
    expect(neverRan({ asked: false, code: 127, state: exited(0, { Status: "created" }) })).toBe(true)
    expect(neverRan({ asked: false, code: 137, state: undefined })).toBe(false)
    expect(neverRan({ asked: false, code: 0, state: undefined })).toBe(false)
    expect(neverRan({ asked: false, code: 126, state: exited(126) })).toBe(false)
  })
})
