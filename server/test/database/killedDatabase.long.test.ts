import { describe, it } from "@effect/vitest"
import { killDatabase } from "./killedDatabase.ts"

const kills = Number(process.env.MAXCLOUD_KILLS ?? 20)

describe.skipIf(process.platform !== "linux")("a database that is killed under load", () => {
  it(`loses nothing acknowledged, ${kills} times`, { timeout: 20 * 60_000 }, async () => {
    const { deployments, longestMs, refused, secrets } = await killDatabase(kills)
    console.log(
      `${kills} kills: ${secrets.length} secrets and ${deployments.length} deployments acknowledged and kept, ${refused} answers 503, longest ${longestMs} ms`
    )
  })
})
