import { readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { sourcesIn } from "./importsOf.ts"

const server = join(import.meta.dirname, "../../server/src")

/** Files that repeat something in their own fiber without `keepDoing`, and why. */
const allowed: Readonly<Record<string, string>> = {
  "base/node/keepDoing.ts": "it implements the helper",
  "base/database/serverLock.ts": "it stops the server if it fails",
  "edge/api/streams/sse.ts": "sends heartbeats of one response, and stops with it",
  "edge/api/streams/endWithAccess.ts": "checks one caller's access, and stops with the response",
  "control/deployments/restore/RestoreWindow.ts": "waits for one window's end; its changes are under watchOver",
  "control/usage/UsageRecorder.ts": "retries one batch of a stream, under watchOver"
}

const repeats = /Effect\.(forever|repeat|schedule|iterate)\b/
const forks = /Effect\.fork(Scoped|Daemon)\b/

describe("background tasks", () => {
  it("use keepDoing (server/src/base/node), which keeps running after thrown errors", () => {
    const found = sourcesIn(server).flatMap((file) => {
      const text = readFileSync(file, "utf8")
      return repeats.test(text) && forks.test(text) ? [relative(server, file)] : []
    })
    expect(found).toContain("base/node/keepDoing.ts")
    expect(
      found.filter((file) => allowed[file] === undefined),
      'use keepDoing("name", every, effect), or watchOver for the steps of a stream'
    ).toStrictEqual([])
  })
})
