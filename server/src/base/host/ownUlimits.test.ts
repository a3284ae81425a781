import { expect, it } from "@effect/vitest"
import { ulimitsOf } from "./ownUlimits.ts"

const limits = (
  processes: string,
  files: string
) => `Limit                     Soft Limit           Hard Limit           Units
Max cpu time              unlimited            unlimited            seconds
Max processes             4096                 ${processes}            processes
Max open files            1024                 ${files}                files
`
const sandboxed = "Name:\tnode\nCapEff:\t00000000a80425fb\n"
const root = "Name:\tnode\nCapEff:\t000001ffffffffff\n"

it("gives a container the limits of this process, and no more processes than podman itself may have", () => {
  expect(ulimitsOf(sandboxed, limits("96365", "20000"))).toEqual([
    "--ulimit",
    "nofile=1024:20000",
    "--ulimit",
    "nproc=4096:32768"
  ])
  expect(ulimitsOf(sandboxed, limits("unlimited", "unlimited"))).toEqual([
    "--ulimit",
    "nofile=1024:-1",
    "--ulimit",
    "nproc=4096:32768"
  ])
})

it("keeps the engine's own limits if they can be raised, or if nothing is known", () => {
  expect(ulimitsOf(root, limits("96365", "20000"))).toEqual([])
  expect(ulimitsOf("", "")).toEqual([])
})
