import { describe, expect, it } from "@effect/vitest"
import { parseAppSpec } from "@maxcloud/config-schema"
import { Either } from "effect"
import { limitations } from "./limitations.ts"

const pathsOf = (service: Readonly<Record<string, unknown>>) =>
  limitations(Either.getOrThrow(parseAppSpec({ app: "shop", services: [{ name: "web", ...service }] }))).map(
    (limitation) => limitation.path.join(".")
  )

describe("limitations", () => {
  it("names exactly the fields that are set but have no effect", () => {
    const fields = { port: 3999, cpu: 2, memory: "1Gi", egress: "none", files: { "/etc/key": { secret: "KEY" } } }
    expect(pathsOf({ source: "./web" })).toStrictEqual([])
    expect(pathsOf({ source: "./web", port: 8080 })).toStrictEqual([])
    expect(pathsOf({ image: "a:1", ...fields })).toStrictEqual(["services.0.egress"])
    expect(pathsOf({ source: "./web", ...fields })).toStrictEqual(
      ["egress", "port", "cpu", "memory", "files"].map((file) => `services.0.${file}`)
    )
  })
})
