import { describe, expect, it } from "@effect/vitest"
import { Option } from "effect"
import { classesIn, runtimeClasses } from "./runtimeClasses.ts"

const read = (written: string) => Option.getOrUndefined(runtimeClasses.read(written))

describe("MAXCLOUD_RUNTIME_CLASS", () => {
  it.each([
    ["gvisor", { all: "gvisor", organizations: {} }, ["gvisor"]],
    ["none", { all: "none", organizations: {} }, []],
    ["acme=none", { all: undefined, organizations: { acme: "none" } }, []],
    [
      "gvisor, acme=none,lab=kata.v1",
      { all: "gvisor", organizations: { acme: "none", lab: "kata.v1" } },
      ["gvisor", "kata.v1"]
    ],
    [
      "gvisor,org_0198c0ffee000000000000000000beef=none,acme=kata",
      { all: "gvisor", organizations: { org_0198c0ffee000000000000000000beef: "none", acme: "kata" } },
      ["gvisor", "kata"]
    ],
    ["lab=gvisor,none", { all: "none", organizations: { lab: "gvisor" } }, ["gvisor"]]
  ])("reads %s", (written, expected, classes) => {
    const found = read(written)
    expect(found).toEqual(expected)
    expect(found === undefined ? undefined : classesIn(found)).toEqual(classes)
  })

  it.each([
    "gVisor",
    "gvisor,kata",
    "acme=",
    "=gvisor",
    "acme=none,acme=gvisor",
    "acme=a=b",
    "Acme=none",
    "org_1=none",
    "gvisor,",
    "__proto__=none",
    "a b"
  ])("refuses %s", (written) => expect(read(written)).toBeUndefined())
})
