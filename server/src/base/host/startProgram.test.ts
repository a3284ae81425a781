import { ChildProcess, spawn } from "node:child_process"
import { assert, describe, expect, it } from "@effect/vitest"
import { startProgram } from "./startProgram.ts"

/** Node's result if the system refuses: a child without an id, and an event with the reason. */
const refused = (code: string, syscall = "spawn sh"): ChildProcess => {
  const child = new ChildProcess()
  process.nextTick(() => child.emit("error", Object.assign(new Error(`${syscall} ${code}`), { code, syscall })))
  return child
}

describe("a program", () => {
  it.each(["EAGAIN", "EMFILE", "ENFILE"])("is started again if the machine temporarily can't: %s", async (code) => {
    let count = 0
    const child = await startProgram(() =>
      ++count < 3 ? refused(code) : spawn(process.execPath, ["-e", ""], { stdio: "ignore" })
    )
    expect(count).toBe(3)
    assert(child.pid !== undefined)
    await new Promise((resolve) => child.once("close", resolve))
  })

  it("is given up after its time, with the reason, and at once if waiting doesn't help", async () => {
    let count = 0
    const refusing = (code: string) => () => {
      count++
      return refused(code)
    }
    const late = await startProgram(refusing("EAGAIN"), { forMs: 120 }).catch((cause: unknown) => cause)
    expect(String(late)).toMatch(/EAGAIN/)
    expect(count).toBeGreaterThanOrEqual(2)
    count = 0
    const missing = await startProgram(refusing("ENOENT")).catch((cause: unknown) => cause)
    expect(String(missing)).toMatch(/ENOENT/)
    expect(count).toBe(1)
  })

  it("isn't waited for by callers that no longer want it", async () => {
    const ending = new AbortController()
    const started = startProgram(() => refused("EAGAIN"), { signal: ending.signal }).catch((cause: unknown) => cause)
    ending.abort()
    expect(String(await started)).toMatch(/AbortError/)
  })
})
