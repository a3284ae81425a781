import { describe, it } from "@effect/vitest"
import { killDatabase } from "./killedDatabase.ts"

describe.skipIf(process.platform !== "linux")("a database that is killed under load", () => {
  it("loses nothing that was acknowledged, and is told as 503 while it is away: 3 times", {
    timeout: 120_000
  }, async () => {
    await killDatabase(3)
  })
})
