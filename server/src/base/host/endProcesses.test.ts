import { spawn } from "node:child_process"
import { once } from "node:events"
import { afterEach, describe, expect, it, vi } from "@effect/vitest"
import { endProcesses } from "./endProcesses.ts"

afterEach(() => void vi.restoreAllMocks())

describe("stopping processes", () => {
  it.each([-3_600_000, 3_600_000])(
    "sends SIGKILL after the grace period, and not before, even if the wall clock moves by %i ms",
    async (step) => {
      const child = spawn(process.execPath, [
        "-e",
        "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1e6)"
      ])
      await once(child.stdout, "data")
      const ended = once(child, "exit")
      const real = Date.now
      vi.spyOn(Date, "now").mockImplementation(() => real() + step * Number(performance.now() - began > 50))
      const began = performance.now()
      expect(await endProcesses((one) => one.pid === child.pid, 500, ended)).toBe(1)
      expect(await ended).toEqual([null, "SIGKILL"])
      expect(performance.now() - began).toBeGreaterThanOrEqual(500)
      expect(performance.now() - began).toBeLessThan(20_000)
    }
  )
})
