import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { Effect, ManagedRuntime, Stream } from "effect"
import { type Backend, describeHistory, keyOf, noon, numbered } from "../../../test/logs/historyContract.ts"
import { rclone, startS3 } from "../../../test/logs/rcloneS3.ts"
import { LogHistory, layerFolder, layerS3 } from "./LogHistory.ts"

const folder = async (): Promise<Backend> => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-history-"))
  return {
    layer: (options) => layerFolder({ ...options, directory }),
    end: () => rm(directory, { recursive: true, force: true })
  }
}

const s3 = async (): Promise<Backend> => {
  const { bucket, credentials, end, endpoint } = await startS3()
  return { layer: (options) => layerS3({ ...options, s3: { bucket, prefix: "kept", endpoint, credentials } }), end }
}

const backends = [
  { name: "a folder", open: folder, runs: 40, left: false },
  { name: "S3", open: s3, runs: 8, left: rclone === undefined }
]
if (rclone === undefined) console.warn("Not run here: kept lines in S3 (missing: rclone)")

for (const backend of backends) describeHistory(backend)

it("doesn't mistake an unfinished file for a chunk, and names an unreadable folder", async () => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-history-"))
  const key = keyOf("a")
  const runtime = ManagedRuntime.make(layerFolder({ directory }))
  const history = await runtime.runPromise(LogHistory)
  await runtime.runPromise(history.write(key, numbered(0, 3)))
  const place = join(directory, key.organizationId, "shop", "api", new Date(noon).toISOString().slice(0, 10))
  await writeFile(join(place, ".writing-1"), "torn")
  const lines = Stream.runCollect(history.read(key, {}))
  expect([...(await runtime.runPromise(lines))].flat()).toHaveLength(3)
  await rm(join(place, ".."), { recursive: true })
  await writeFile(join(place, ".."), "a file instead of a folder")
  const failed = await runtime.runPromise(Effect.flip(lines))
  expect(failed.message).toContain(directory)
  await runtime.dispose()
  await rm(directory, { recursive: true, force: true })
})

it("reads around a damaged chunk, and says which lines are missing", async () => {
  const directory = await mkdtemp(join(tmpdir(), "maxcloud-history-"))
  const key = keyOf("d")
  const runtime = ManagedRuntime.make(layerFolder({ directory }))
  try {
    const { read, write } = await runtime.runPromise(LogHistory)
    for (const from of [0, 10, 20]) await runtime.runPromise(write(key, numbered(from, from + 10)))
    const chunks = (await readdir(directory, { recursive: true })).filter((text) => text.endsWith(".zst")).sort()
    expect(chunks).toHaveLength(3)
    await writeFile(join(directory, chunks[1] ?? ""), "no chunk")
    for (const query of [{}, { tail: 100 }, { revision: "api-00001" }]) {
      const parts = await runtime.runPromise(Stream.runCollect(read(key, query)))
      const lines = [...parts].flat().map((part) => part.line)
      expect(lines.slice(0, 10)).toEqual(numbered(0, 10).map((line) => line.line))
      expect(lines[10]).toMatch(/^max-cloud: log lines from .* are damaged/)
      expect(lines.slice(11)).toEqual(numbered(20, 30).map((line) => line.line))
    }
  } finally {
    await runtime.dispose()
    await rm(directory, { recursive: true, force: true })
  }
})
