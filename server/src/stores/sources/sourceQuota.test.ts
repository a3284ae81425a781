import { randomBytes } from "node:crypto"
import { mkdtemp, readdir, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import { SourceDigest } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Either, ManagedRuntime, Stream } from "effect"
import fc from "fast-check"
import { digestOf, tarOf } from "../../../test/sources/tar.ts"
import { sourceBytesOf } from "../../tenancy/limits/sourceBytes.ts"
import { SourceError, SourceStore } from "./SourceStore.ts"
import { makeSourceRoom } from "./sourceRoom.ts"
import { layer } from "./sourceStoreLayer.ts"

const acme = OrganizationId.make(`org_${"a".repeat(32)}`)
const other = OrganizationId.make(`org_${"b".repeat(32)}`)

let data: string
const runtimes: Array<{ readonly dispose: () => Promise<void> }> = []
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "quota-"))
})
afterEach(async () => {
  for (const runtime of runtimes.splice(0)) await runtime.dispose()
  await rm(data, { recursive: true, force: true })
})

const store = () => {
  const runtime = ManagedRuntime.make(layer({ dataDirectory: data }))
  runtimes.push(runtime)
  return (organizationId: OrganizationId, archive: Buffer, digest: string, most: number) =>
    runtime.runPromise(
      Effect.flatMap(SourceStore, (sourceStore) =>
        sourceStore.put(
          organizationId,
          SourceDigest.make(digest),
          Stream.fromIterable([archive.subarray(0, 5), archive.subarray(5)]),
          most
        )
      ).pipe(
        Effect.either,
        Effect.map((found) => (Either.isRight(found) ? "kept" : found.left.reason))
      )
    )
}
const snapshot = () => {
  const files = [{ path: "index.js", content: randomBytes(1000).toString("hex") }]
  return { archive: tarOf(files), digest: digestOf(files) }
}

describe("source snapshots of an organization", () => {
  it("fit up to the quota, and not a byte more, with thirty uploads at once", async () => {
    const put = store()
    const all = Array.from({ length: 30 }, snapshot)
    const size = Math.max(...all.map((each) => each.archive.length))
    const most = size * 7
    const results = await Promise.all(all.map(({ archive, digest }) => put(acme, archive, digest, most)))
    const stored = await sourceBytesOf(data, acme)
    expect(stored).toBeLessThanOrEqual(most)
    // A refused one leaves its room to others.
    expect(new Set(results)).toEqual(new Set(["kept", "overQuota"]))
    const kept = results.filter((result) => result === "kept").length
    for (const [index, { archive, digest }] of all.entries())
      if (results[index] === "overQuota" && (await put(acme, archive, digest, most)) !== "kept") break
    expect(await sourceBytesOf(data, acme)).toBeGreaterThan(most - size)
    expect(kept).toBeGreaterThan(0)
    expect(await readdir(join(data, "sources", acme, "unfinished"))).toEqual([])
  })

  it("can be uploaded again when the quota is used up, and don't affect another organization", async () => {
    const put = store()
    const [one, two] = [snapshot(), snapshot()]
    const most = one.archive.length
    expect(await put(acme, one.archive, one.digest, most)).toBe("kept")
    expect(await put(acme, one.archive, one.digest, most)).toBe("kept")
    expect(await put(acme, two.archive, two.digest, most)).toBe("overQuota")
    expect(await put(other, two.archive, two.digest, two.archive.length)).toBe("kept")
    expect(await sourceBytesOf(data, acme)).toBe(most)
  })

  it("never exceed the quota, whatever uploads begin, grow, fail and end in between", async () => {
    const step = fc.record({
      upload: fc.nat(4),
      what: fc.constantFrom("begin", "grow", "fail", "keep"),
      bytes: fc.nat(60)
    })
    await fc.assert(
      fc.asyncProperty(fc.nat(100), fc.nat(200), fc.array(step, { maxLength: 60 }), async (before, most, steps) => {
        let stored = before
        const room = makeSourceRoom(async () => stored)
        const uploads = new Map<number, { readonly room: Awaited<ReturnType<typeof room>>; bytes: number }>()
        const total = () => stored + [...uploads.values()].reduce((sum, upload) => sum + upload.bytes, 0)
        for (const { bytes, upload, what } of steps) {
          const under = uploads.get(upload)
          if (under === undefined) {
            if (what === "begin") uploads.set(upload, { room: await room(acme, most), bytes: 0 })
          } else if (what === "grow") {
            const fits = total() + bytes <= most
            try {
              under.room.take(bytes)
              expect(fits).toBe(true)
              under.bytes += bytes
            } catch (cause) {
              if (!(cause instanceof SourceError)) throw cause
              expect([cause.reason, fits]).toEqual(["overQuota", false])
            }
          } else if (what !== "begin") {
            uploads.delete(upload)
            if (what === "keep") stored += under.bytes
            under.room.leave(what === "keep" ? under.bytes : 0)
          }
          expect(total()).toBeLessThanOrEqual(Math.max(before, most))
        }
      }),
      { numRuns: 1000 }
    )
  })
})
