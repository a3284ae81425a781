import { DeploymentEvent } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { assert, describe, it } from "vitest"
import { makeProgress } from "./progress.ts"
import { makeTerminal } from "./terminal.ts"

const decode = Schema.decodeUnknownSync(DeploymentEvent)
const event = (id: number, service: string, reason: string, message = "") =>
  decode({ id, at: "2026-01-01T00:00:00.000Z", type: "service", service, reason, message, deployment: null })

/** What people read of these events where stderr is no terminal, without the times. */
const linesOf = (events: ReadonlyArray<DeploymentEvent>): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const progress = makeProgress({
    ...makeTerminal(false, { CI: "1" }),
    say: (line) => void lines.push(line.replace(/^ *\S+ +/, ""))
  })
  for (const each of events) progress.event(each)
  progress.end()
  return lines
}

describe("progress of a deployment, not on a terminal", () => {
  it("says what happens to each service, also when several events are read together", () => {
    assert.deepStrictEqual(
      linesOf([
        event(1, "api", "Deploying"),
        event(2, "web", "Deploying"),
        event(3, "api", "Ready"),
        event(4, "web", "Deleted", "Deleted")
      ]),
      ["api: Deploying", "web: Deploying", "api: ready", "web: deleted"]
    )
  })
})
