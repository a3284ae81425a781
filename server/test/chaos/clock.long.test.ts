import { existsSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
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

// Debian: apt-get install libfaketime. Postgres and instances keep the machine's clock: the server hands no LD_PRELOAD on.
describe.skipIf(library === undefined)("a server whose wall clock jumps", () => {
  it("starts, retries, scales and deploys all the same", { timeout: 600_000 }, async () => {
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
      assert.strictEqual((await server.ask(host, "/crash")).status, 502, name)
      const again = await secondsUntil(
        () => answers(server, "0").then((answer) => answer || answers(server, version)),
        60
      )
      assert.isBelow(again ?? Number.POSITIVE_INFINITY, 15, name)
      assert.isUndefined(await setSecret(server, `AFTER_${Math.abs(seconds)}`))
      await server.client.deploy(app(version, { scale: { min: 0, max: 1, idle: "6s" } }))
      assert.isTrue(await answers(server, version))
      const idle = await secondsUntil(async () => (await server.client.services.get("app")).status.instances === 0, 60)
      assert.isBelow(idle ?? Number.POSITIVE_INFINITY, 40, `scales to zero, ${name}`)
      assert.isTrue(await answers(server, version))
      set(0)
      await server.client.deploy(app("0"))
      assert.isTrue(await answers(server, "0"))
      recordFault(import.meta.filename, {
        fault: `The server's wall clock jumps ${name}, and back`,
        seen: "nothing: a crashed service is started again, scaled to zero, deployed",
        recovery: "nothing has to",
        seconds: again ?? null
      })
    }
  })
})
