import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { answers, faultServer, host, makeApp, secondsUntil, setSecret } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

const library = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"]
  .map((name) => join(name, "faketime/libfaketime.so.1"))
  .find((name) => existsSync(name))

const jumps: ReadonlyArray<readonly [string, number]> = [
  ["back an hour", -3_600],
  ["ahead an hour", 3_600],
  ["ahead a day", 86_400],
  ["ahead two years", 2 * 365 * 86_400]
]

// Debian: apt-get install libfaketime. Postgres and instances keep the machine's clock, because the server doesn't pass
// LD_PRELOAD on.
describe.skipIf(library === undefined)("a server whose wall clock jumps", () => {
  it("still starts, retries, scales and deploys", { timeout: 600_000 }, async () => {
    const server = await faultServer({
      LD_PRELOAD: library,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      FAKETIME_NO_CACHE: "1",
      FAKETIME_TIMESTAMP_FILE: `/tmp/maxcloud-clock-${process.pid}`
    })
    const clock = `/tmp/maxcloud-clock-${process.pid}`
    const set = (seconds: number) => writeFileSync(clock, `${seconds >= 0 ? "+" : ""}${seconds}\n`)
    set(0)
    const app = makeApp()
    await server.start()
    await server.client.deploy(app("0"))
    for (const [name, seconds] of jumps) {
      set(seconds)
      const version = String(seconds)
      expect((await server.ask(host, "/crash")).status, name).toBe(502)
      const again = await secondsUntil(
        () => answers(server, "0").then((answer) => answer || answers(server, version)),
        60
      )
      expect(again ?? Number.POSITIVE_INFINITY, name).toBeLessThan(15)
      expect(await setSecret(server, `AFTER_${Math.abs(seconds)}`)).toBeUndefined()
      await server.client.deploy(app(version, { scale: { min: 0, max: 1, idle: "6s" } }))
      expect(await answers(server, version)).toBe(true)
      const idle = await secondsUntil(async () => (await server.client.services.get("app")).status.instances === 0, 60)
      expect(idle ?? Number.POSITIVE_INFINITY, `scales to zero, ${name}`).toBeLessThan(40)
      expect(await answers(server, version)).toBe(true)
      set(0)
      await server.client.deploy(app("0"))
      expect(await answers(server, "0")).toBe(true)
      recordFault(import.meta.filename, {
        fault: `The server's wall clock jumps ${name}, and ${seconds < 0 ? "ahead again" : "back"}`,
        seen: "nothing: a crashed service is started again, scaled to zero, deployed",
        recovery: "not needed",
        seconds: again ?? null
      })
    }
  })
})
