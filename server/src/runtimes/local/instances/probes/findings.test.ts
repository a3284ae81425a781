import { describe, expect, it } from "@effect/vitest"
import type { ProbeSpec } from "../Instance.ts"
import { checkFinding } from "./findings.ts"
import type { ProbeAnswer } from "./probe.ts"

const startup: ProbeSpec = { path: "/healthz", initialDelayMs: 0, periodMs: 1, timeoutMs: 1_000, failureThreshold: 3 }
const source = { declaredPort: 80, of: "source" } as const
const image = { declaredPort: 80, of: "image" } as const

describe("the last check of an instance that isn't ready", () => {
  it.each<[ProbeAnswer | undefined, string, RegExp]>([
    [{ said: "failure", status: 503 }, "ProbeFailing", /GET \/healthz on port 80 returned 503/],
    [{ said: "nothing" }, "ProbeFailing", /GET \/healthz on port 80 got no answer within 1 s/],
    [{ said: "refused" }, "NotListening", /port 80 yet, 3 s after its start/],
    [{ said: "closed" }, "NotListening", /port 80 yet/],
    [undefined, "NotListening", /port 80 yet/]
  ])("%o: %s", (last, code, message) => {
    const found = checkFinding({ startup, readiness: undefined }, source, last, 3_000)
    expect(found.code).toBe(code)
    expect(found.message).toMatch(message)
  })

  it("checks only the port without a path", () => {
    const given = { startup: undefined, readiness: undefined }
    expect(checkFinding(given, image, { said: "nothing" }, 3_000).code).toBe("NotListening")
  })

  it("gives a source no advice that its config can't follow", () => {
    const given = { startup: undefined, readiness: undefined }
    expect(checkFinding(given, source, { said: "refused" }, 1).fix).not.toContain("port:")
    expect(checkFinding(given, image, { said: "refused" }, 1).fix).toContain("port:")
  })
})
