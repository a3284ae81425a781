import { readFileSync } from "node:fs"
import { join, relative } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { sourcesIn } from "./importsOf.ts"

const server = join(import.meta.dirname, "../../server/src")

/** Files that repeat something in a fiber of their own and don't use `keepDoing`, and why. */
const allowed: Readonly<Record<string, string>> = {
  "base/node/keepDoing.ts": "it's what the others use",
  "base/database/serverLock.ts": "it ends the server when it fails",
  "edge/api/streams/sse.ts": "heartbeats of one response, which end with it",
  "edge/api/streams/endWithAccess.ts": "looks at one caller's access, and ends with the response",
  "control/usage/UsageRecorder.ts": "repeats one batch of a stream, under watchOver",
  "tenancy/repeats/PostgresKeptAnswers.ts": "renews one request's lease, and ends with the request"
}

const repeats = /Effect\.(forever|repeat|schedule|iterate)\b/
const forks = /Effect\.fork(Scoped|Daemon)\b/

describe("background tasks", () => {
  it("are kept alive by keepDoing (server/src/base/node), which no thrown error ends", () => {
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
