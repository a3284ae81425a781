import { setTimeout as sleep } from "node:timers/promises"
import { assert, expect } from "@effect/vitest"
import { freePort } from "../freePort.ts"
import { ServerProcess } from "../serverProcess.ts"
import { assertKept, awaitWrites, writeLoad } from "./writeLoad.ts"

/** Kills a server's database under a load of writes this many times: nothing acknowledged is lost. */
export const killDatabase = async (kills: number) => {
  const server = new ServerProcess(await freePort(), { MAXCLOUD_QUOTA_DEPLOYMENTS_PER_HOUR: "1000000" })
  try {
    await server.start()
    const load = writeLoad(server)
    for (let n = 0; n < kills; n++) {
      await awaitWrites(load, 10)
      // At any point of the work in progress.
      await sleep(Math.random() * 200)
      const postgres = server.postgresPid
      assert(postgres !== undefined)
      process.kill(postgres ?? 0, "SIGKILL")
    }
    await awaitWrites(load, 10)
    const told = await load.stop()
    expect(told.secrets.length).toBeGreaterThan(kills)
    expect(told.deployments.length).toBeGreaterThan(kills)
    await assertKept(server.url, told)
    return told
  } finally {
    await server.end("SIGTERM")
    server.remove()
  }
}
