import { describe, expect, it } from "@effect/vitest"
import { DeploymentEvent } from "@maxcloud/sdk/api"
import { Schema } from "effect"
import { makeTerminal } from "../output/terminal.ts"
import { makeProgress } from "./progress.ts"

const decode = Schema.decodeUnknownSync(DeploymentEvent)
const event = (id: number, service: string, reason: string, message = "") =>
  decode({ id, at: "2026-01-01T00:00:00.000Z", type: "service", service, reason, message, deployment: null })

/** The output of these events when stderr isn't a terminal, without the times. */
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

describe("progress of a deployment, on a terminal", () => {
  it("lets nobody else move the cursor, whatever a registry or a service says", () => {
    const written: Array<string> = []
    const progress = makeProgress({
      ...makeTerminal(false, {}),
      interactive: true,
      columns: 200,
      paintError: (_, text) => text,
      write: (characters) => void written.push(characters)
    })
    const message = "\u001b[2J\u001b]0;title\u0007\u009b31mpulled\r\u202egpj"
    const at = "2026-01-01T00:00:00.000Z"
    const said = { reason: "Pulling", message, revision: null, image: null, url: null, logTail: [], diagnosis: null }
    const deployment = {
      id: `dep_${"0".repeat(32)}`,
      app: "shop",
      stage: "production",
      number: 1,
      kind: "deploy",
      fromDeployment: null,
      createdBy: null,
      message: null,
      metadata: {},
      status: { state: "running", reason: "Deploying", message: "" },
      warnings: [],
      createdAt: at,
      startedAt: at,
      finishedAt: null,
      services: [{ name: "web", action: "create", state: "pending", ...said }]
    }
    progress.event(decode({ id: 1, at, type: "service", service: "web", reason: "Pulling", message: "", deployment }))
    progress.end()
    expect(written.join("")).toMatch(/web +pending +\d/)
    for (const part of written) {
      // Our own sequences: cursor up, and clear the row.
      const others = part.replaceAll(/\p{Cc}\[(?:\d+A|2K)/gu, "").replaceAll("\n", "")
      expect(others).not.toMatch(/[\p{Cc}\u202e]/u)
    }
  })
})

describe("progress of a deployment, not on a terminal", () => {
  it("reports each service's progress, even if several events arrive together", () => {
    expect(
      linesOf([
        event(1, "api", "Deploying"),
        event(2, "web", "Deploying"),
        event(3, "api", "Ready"),
        event(4, "web", "Deleted", "Deleted")
      ])
    ).toStrictEqual(["api: Deploying", "web: Deploying", "api: ready", "web: deleted"])
  })

  it("keeps the lines about what a service waits for", () => {
    expect(linesOf([event(1, "api", "ImagePull", "no answer of the registry\nit is tried again")])).toStrictEqual([
      "api: no answer of the registry\n            it is tried again"
    ])
  })
})
