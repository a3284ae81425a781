import { describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { isBackupDue, lastDue } from "./schedule.ts"

const day = 86_400_000
const moment = fc.date({ min: new Date("2020-01-01"), max: new Date("2040-01-01"), noInvalidDate: true })
const time = fc
  .tuple(fc.nat({ max: 23 }), fc.nat({ max: 59 }))
  .map(([hours, minutes]) => `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`)

describe("a daily backup", () => {
  it("was last due within the day before, at the configured time", () => {
    fc.assert(
      fc.property(moment, time, (now, at) => {
        const due = lastDue(now, at)
        expect(due <= now && now.getTime() - due.getTime() < day).toBe(true)
        expect(due.toISOString().slice(11, 19)).toBe(`${at}:00`)
      }),
      { numRuns: 300 }
    )
  })

  it("is due once a day, whenever the server checks", () => {
    fc.assert(
      fc.property(moment, time, fc.integer({ min: 1, max: 600 }), (start, at, everyMinutes) => {
        let newest: Date | undefined = start
        let made = 0
        for (let ms = 0; ms < 10 * day; ms += everyMinutes * 60_000) {
          const now = new Date(start.getTime() + ms)
          if (!isBackupDue(now, at, newest)) continue
          newest = now
          made++
        }
        expect(made >= 9 && made <= 10, String(made)).toBe(true)
      }),
      { numRuns: 200 }
    )
  })

  it("is due after a stop, at the very first start, and after the clock was set back", () => {
    fc.assert(
      fc.property(moment, time, fc.integer({ min: 1, max: 800 * day }), (now, at, ms) => {
        expect(isBackupDue(now, at, undefined)).toBe(true)
        expect(isBackupDue(now, at, new Date(lastDue(now, at).getTime() - ms))).toBe(true)
        expect(isBackupDue(now, at, new Date(now.getTime() + ms))).toBe(true)
        // A backup made now ends that.
        expect(isBackupDue(now, at, now)).toBe(false)
      }),
      { numRuns: 300 }
    )
  })
})
