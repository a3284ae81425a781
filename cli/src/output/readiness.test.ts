import { describe, expect, it } from "@effect/vitest"
import { NotReachable } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { tellReadiness } from "./readiness.ts"

const told = (readiness: Parameters<typeof tellReadiness>[0]["readiness"]) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    yield* tellReadiness({ readiness }, { say: (line) => void lines.push(line), paintError: (_, text) => text })
    return lines
  })

describe("a server's failed checks", () => {
  it.effect("are printed one per line, without those that pass", () =>
    Effect.gen(function* () {
      const message = "The disk of the server's data folder is full. Free some space on it."
      const checks = [
        { name: "database", ok: true, message: "the last backup is 3 hours old" },
        { name: "disk", ok: false, message }
      ]
      expect(yield* told(Effect.succeed(checks))).toStrictEqual([`The server isn't ready. ${message}`])
    })
  )

  it.effect("print nothing if the server doesn't know the endpoint, or is unreachable", () =>
    Effect.gen(function* () {
      expect(yield* told(new NotReachable({ apiUrl: "http://localhost", code: "ECONNREFUSED" }))).toStrictEqual([])
    })
  )
})
