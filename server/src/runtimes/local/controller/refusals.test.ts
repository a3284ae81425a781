import { describe, expect, it } from "@effect/vitest"
import { ServiceName, StageName } from "@maxcloud/config-schema"
import fc from "fast-check"
import { makeRefusals } from "./refusals.ts"

const refusals = makeRefusals({ service: ServiceName.make("web"), stage: StageName.make("preview") }, () => 1_000)
const because = (reason: string) => refusals.failed({ reason }, undefined).message

describe("answers to callers", () => {
  it("name the exit code and the next attempt", () => {
    const error = refusals.failed({ reason: "CrashOnStart", exitCode: 3 }, 3_400)
    expect(error.message).toBe(
      `service "web": it isn't running: its last instance ended with exit code 3. The next attempt is in 3 s. Its owner can see why with \`maxcloud describe web --stage preview\``
    )
    expect([error.status, error.retryAfterSeconds]).toEqual([503, 3])
    expect(because("OutOfMemory")).toContain("used too much memory")
    expect(because("ImageNotFound")).toContain("it isn't running (ImageNotFound).")
    expect(refusals.failed({ reason: "CrashOnStart", exitCode: 3 }, undefined).message).not.toContain("next attempt")
  })

  it("contain only our own words, whatever the reason says", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60, unit: "binary" }), (text) => {
        const reason = `${text} /home/ada/secret`
        expect(because(reason)).toBe(because(""))
      }),
      { numRuns: 1_000 }
    )
    expect(because(`Exit${"x".repeat(60)}`)).toBe(because(""))
  })

  it("name what the request was waiting for when its time is over", () => {
    const waited = (running: number, ready: number) => refusals.overdue(5_000, { failure: undefined, running, ready })
    expect(
      [waited(1, 1), waited(1, 0), waited(0, 0)].map((each) => [
        each.status,
        /": (.*) after 5 s/.exec(each.message)?.[1]
      ])
    ).toEqual([
      [504, "every instance was busy"],
      [504, "its instance was still starting"],
      [504, "its instance waited for others to start"]
    ])
    const failure = {
      reason: "CrashOnStart",
      exitCode: 1,
      message: "/home/ada",
      retryable: true,
      count: 1,
      retryAtMs: 2_000,
      retryAt: new Date(2_000)
    } as const
    const failed = refusals.overdue(5_000, { failure, running: 1, ready: 0 })
    expect([failed.status, failed.retryAfterSeconds]).toEqual([503, 1])
    expect(failed.message).toContain("exit code 1")
    expect(failed.message).not.toContain("ada")
  })
})
