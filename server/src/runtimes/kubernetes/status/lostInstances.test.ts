import { describe, expect, it } from "@effect/vitest"
import { ago, pod } from "../../../../test/kubernetes/testObjects.ts"
import { instancesBefore } from "./lostInstances.ts"

const deleted = (secondsAgo: number, graceSeconds = 0) => ({
  deletionTimestamp: ago(secondsAgo - graceSeconds),
  deletionGracePeriodSeconds: graceSeconds
})
const terminating = (secondsAgo: number, graceSeconds: number) => {
  const found = pod()
  return { ...found, metadata: { ...found.metadata, ...deleted(secondsAgo, graceSeconds) } }
}

describe("the instances before the deletion of a namespace", () => {
  it("include those that were deleted with it, and exclude those that ended before", () => {
    const pods = [terminating(5, 300), terminating(10, 30), terminating(11, 300)]
    expect(instancesBefore(deleted(10), pods)).toBe(2)
    expect(instancesBefore(deleted(10), [])).toBe(0)
  })

  it("are those of a status if nobody deletes it", () => {
    expect(instancesBefore({ deletionTimestamp: undefined, deletionGracePeriodSeconds: 0 }, [terminating(5, 30)])).toBe(
      undefined
    )
    expect(instancesBefore(undefined, [])).toBe(undefined)
  })
})
