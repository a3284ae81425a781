import { describe, it } from "@effect/vitest"
import { killDatabase } from "./killedDatabase.ts"

describe.skipIf(process.platform !== "linux")("a database that is killed under load", () => {
  it("loses nothing acknowledged, and requests get a 503 while it's unreachable, 3 times", {
    timeout: 120_000
  }, async () => {
    await killDatabase(3)
  })
})
