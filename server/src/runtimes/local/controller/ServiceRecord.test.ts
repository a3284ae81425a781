import { describe, expect, it } from "@effect/vitest"
import { AppName, OrganizationName, StageName } from "@maxcloud/config-schema"
import fc from "fast-check"
import {
  changeRevision,
  latestCreated,
  revisionsKept,
  type ServiceRecord,
  withRevision
} from "../objects/ServiceRecord.ts"
import { makeStartLimiter } from "./StartLimiter.ts"

const empty: ServiceRecord = {
  organization: OrganizationName.make("local"),
  stage: StageName.make("production"),
  app: AppName.make("shop"),
  lastRevision: 0,
  revisions: [],
  latestReady: null,
  active: false,
  linkPorts: {},
  conditions: []
}

describe("ServiceRecord", () => {
  it("numbers revisions without a gap, and keeps the newest and the serving one", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (succeeds) => {
        let record = empty
        for (const [index, ready] of succeeds.entries()) {
          const next = withRevision(record, "web", { createdAt: "", fingerprint: "", image: "" })
          expect(next.created.name).toBe(`web-${String(index + 1).padStart(5, "0")}`)
          expect(latestCreated(next.record)?.name).toBe(next.created.name)
          expect(next.dropped.includes(record.latestReady ?? "")).toBe(false)
          record = changeRevision(next.record, next.created.name, { ready: ready ? "True" : "False" })
          if (ready) record = { ...record, latestReady: next.created.name }
          expect(record.revisions.length).toBeLessThanOrEqual(revisionsKept + 1)
          expect(
            record.latestReady === null || record.revisions.some((revision) => revision.name === record.latestReady)
          ).toBe(true)
        }
      })
    )
  })
})

describe("StartLimiter", () => {
  it("admits no more than its limit, in order, except urgent ones", () => {
    const limiter = makeStartLimiter(2)
    const begun: Array<number> = []
    const turns = [0, 1, 2, 3, 4].map((i) => limiter.enter(() => begun.push(i)))
    expect(begun).toStrictEqual([0, 1])
    turns[4]?.now()
    expect(begun).toStrictEqual([0, 1, 4])
    turns[2]?.done()
    turns[0]?.done()
    turns[0]?.done()
    turns[4]?.done()
    expect(begun).toStrictEqual([0, 1, 4, 3])
    expect(limiter.waiting()).toBe(0)
  })
})
