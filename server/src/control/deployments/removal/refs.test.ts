import { describe, expect, it } from "@effect/vitest"
import { ServiceName } from "@maxcloud/config-schema"
import { refsOfServices } from "./refs.ts"

const names = (...all: ReadonlyArray<string>) => all.map((value) => ServiceName.make(value))
const objects = (...all: ReadonlyArray<string>) => all.map((name) => ({ apiVersion: "v1", kind: "Secret", name }))
const found = (refs: ReturnType<typeof objects>, gone: ReadonlyArray<string>, kept: ReadonlyArray<string>) =>
  refsOfServices(refs, names(...gone), names(...kept)).map((refsOfService) => refsOfService.name)

describe("refsOfServices", () => {
  it("finds a service's objects and Secrets, and none of a service whose name starts the same", () => {
    const refs = objects("web", "web--0123456789", "web-2", "web-2--0123456789", "webs", "maxcloud--registry")
    expect(found(refs, ["web"], ["web-2", "webs"])).toEqual(["web", "web--0123456789"])
    expect(found(refs, ["web-2"], ["web"])).toEqual(["web-2", "web-2--0123456789"])
    expect(found(refs, [], ["web"])).toEqual([])
  })

  it("leaves a Secret alone if its name could belong to either of two services", () => {
    const start = "a".repeat(50)
    const refs = objects(`${start}x`, `${start}y`, `${start}--0123456789`)
    expect(found(refs, [`${start}x`], [`${start}y`])).toEqual([`${start}x`])
    expect(found(refs, [`${start}x`, `${start}y`], [])).toEqual([`${start}x`, `${start}y`, `${start}--0123456789`])
  })
})
