import { describe, expect, it } from "@effect/vitest"
import { processesOfRun } from "../../../scripts/kills/strays.ts"
import { answers, faultServer, makeApp, secondsUntil } from "./faultServer.ts"
import { recordFault } from "./recordFault.ts"

describe.skipIf(process.platform !== "linux")("a frozen instance", () => {
  it("is replaced", { timeout: 240_000 }, async () => {
    const server = await faultServer()
    const canary = `canary-${process.pid}-${performance.now()}`
    await server.start()
    await server.client.deploy(makeApp()("1", { env: { VERSION: "1", CANARY: canary } }))
    const frozen = processesOfRun(server, canary).filter((each) => each.of === "instance")
    expect(frozen).not.toHaveLength(0)
    for (const { pid } of frozen) process.kill(pid, "SIGSTOP")
    const seconds = await secondsUntil(() => answers(server, "1", 500), 120)
    expect(seconds ?? Number.POSITIVE_INFINITY).toBeLessThan(90)
    const left = processesOfRun(server, canary).map((each) => each.pid)
    expect(
      frozen.map((each) => each.pid).filter((value) => left.includes(value)),
      "the frozen one has ended"
    ).toStrictEqual([])
    recordFault(import.meta.filename, {
      fault: "The only instance of a service freezes (SIGSTOP)",
      seen: "requests hang until it is replaced",
      recovery: "automatic: three liveness probes in a row without a response within 10 s",
      seconds: seconds ?? null
    })
  })
})
