import { describe, expect, it } from "@effect/vitest"
import { parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { limitations } from "./limitations.ts"

const warningsOf = (fields: object) =>
  limitations(
    Either.getOrThrow(parseAppSpec({ app: "shop", services: [{ name: "web", image: "nginx", ...fields }] }))
  ).map(({ message, path }) => `${path.join(".")}: ${message}`)

const kills = (field: string, removed: number, timeout: number) => [
  `services.0.${field}: on Kubernetes, the program gets SIGKILL ${removed} s after its service is removed. After an update or a scale-down, it gets SIGKILL after \`timeout\` (${timeout} s)`
]

describe("limitations of Kubernetes", () => {
  it("don't mention defaults", () => expect(warningsOf({ timeout: "1m" })).toEqual([]))

  it.each([
    ["grace", { grace: "5s" }, 35, 300],
    ["drain", { drain: "2m" }, 150, 300],
    ["drain", { drain: "5s", grace: "10s" }, 40, 300],
    // `timeout` limits both.
    ["grace", { timeout: "40s", grace: "20s" }, 40, 40],
    ["drain", { timeout: "3m", drain: "3m", grace: "1h" }, 180, 180]
  ] as const)("say when a program is killed: %s, %o", (field, fields, removed, timeout) =>
    expect(warningsOf(fields)).toEqual(kills(field, removed, timeout))
  )

  it("name a timeout that Knative may refuse", () => {
    expect(warningsOf({ timeout: "11m" })).toEqual([expect.stringContaining("Knative allows at most 600 s")])
  })
})
