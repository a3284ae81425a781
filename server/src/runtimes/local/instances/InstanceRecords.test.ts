import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { makeInstanceRecords } from "./InstanceRecords.ts"

describe("records of instances", () => {
  it("are counted if they are damaged: their process or container is unknown", () => {
    const folder = mkdtempSync(join(tmpdir(), "maxcloud-records-"))
    try {
      const records = makeInstanceRecords(folder)
      const whole = { id: "a", kind: "container", boot: "b", graceMs: 1 } as const
      records.write(whole)
      for (const [name, text] of Object.entries({ "b.json": '{"id":"b"', "c.json": "", "d.json": '{"id":1}' }))
        writeFileSync(join(folder, name), text)
      expect(records.all()).toStrictEqual([whole])
      expect(records.all()).toStrictEqual([whole])
      expect(records.damaged()).toBe(3)
      expect(readdirSync(folder)).toStrictEqual(["a.json"])
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
