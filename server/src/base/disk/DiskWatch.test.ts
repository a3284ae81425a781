import { writeFileSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { mountSmallDisk, type SmallDisk } from "../../../test/smallDisk.ts"
import { DiskRefused, isBelow, makeDiskWatch } from "./DiskWatch.ts"

const mebi = 2 ** 20

describe("the low-water mark", () => {
  it("clears only with an eighth more free space, so that requests aren't accepted and refused by turns", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 40), (free, least) => {
        expect(isBelow(free, least, false)).toBe(free < least)
        // Above the mark stays above at the same amount; below it stays below.
        if (isBelow(free, least, false)) expect(isBelow(free, least, true)).toBe(true)
        expect(isBelow(least + Math.floor(least / 8), least, true)).toBe(false)
      })
    )
  })

  it("is checked once for all concurrent callers, and not again right away", async () => {
    let reads = 0
    const watch = makeDiskWatch({
      folders: [{ name: "the folder", path: tmpdir() }],
      minFreeBytes: 10,
      statfs: () => {
        reads++
        return Promise.resolve({ bavail: 1, bsize: 5, files: 0, ffree: 0 })
      }
    })
    const found = await Promise.all(Array.from({ length: 50 }, () => watch.look()))
    expect(new Set(found.map((error) => error?.message)).size).toBe(1)
    expect(found[0]?.message).toMatch(/^The disk of the folder has less than 10 free\. .*MAXCLOUD_MIN_FREE_DISK/)
    expect(reads).toBe(1)
    await expect(watch.require()).rejects.toBeInstanceOf(DiskRefused)
    expect(watch.free().get("the folder")).toBe(5)
  })

  it("treats a folder that can't be checked as one with room", async () => {
    const folders = [{ name: "the folder", path: "/nowhere/at/all" }] as const
    expect(await makeDiskWatch({ folders, minFreeBytes: mebi }).look()).toBeUndefined()
  })
})

describe("a disk", () => {
  let disk: SmallDisk | undefined
  let folder = ""
  afterEach(async () => {
    disk?.unmount()
    await rm(folder, { recursive: true, force: true })
  })

  const small = async (options: string, skip: (why: string) => void) => {
    folder = await mkdtemp(join(tmpdir(), "small-disk-"))
    const mounted = mountSmallDisk(folder, options)
    if (typeof mounted === "string") {
      skip(mounted)
      throw new Error(mounted)
    }
    disk = mounted
    return mounted
  }
  const watching = (minFreeBytes: number) =>
    makeDiskWatch({ folders: [{ name: "the server's data folder", path: folder }], minFreeBytes })
  /** The next check that reads anew. */
  const fresh = async (watch: ReturnType<typeof watching>) => {
    await new Promise((resolve) => setTimeout(resolve, 110))
    return watch.look()
  }

  it("below the mark refuses writes, and accepts them again by itself", async ({ skip }) => {
    const { empty, fill } = await small("size=16m", skip)
    const watch = watching(4 * mebi)
    await watch.require()
    fill(2 * mebi)
    expect((await fresh(watch))?.message).toMatch(/has less than 4Mi free/)
    await expect(watch.require()).rejects.toThrow("Free some space on it")
    empty()
    expect(await fresh(watch)).toBeUndefined()
    await watch.require()
  })

  it("counts as full from a failed write until one succeeds", async ({ skip }) => {
    const { empty, fill } = await small("size=4m", skip)
    const watch = watching(0)
    fill(0)
    expect(await watch.look()).toBeUndefined()
    const failed = await writeFile(join(folder, "x"), Buffer.alloc(mebi)).catch((cause: unknown) => cause)
    watch.report(failed)
    expect(watch.problem()?.message).toMatch(/^The disk of the server's data folder is full\. Free some space/)
    expect((await fresh(watch))?.message).toMatch(/is full/)
    await rm(join(folder, "x"), { force: true })
    empty()
    expect(await fresh(watch)).toBeUndefined()
  })

  it("is detected as read-only by a test write", async ({ skip }) => {
    const { remount } = await small("size=4m", skip)
    const watch = watching(0)
    remount("ro")
    expect((await watch.probe())?.message).toMatch(/is mounted read-only\. .*dmesg/)
    remount("rw")
    expect(await fresh(watch)).toBeUndefined()
  })

  it("also refuses writes if it has no room for more files", async ({ skip }) => {
    await small("size=16m,nr_inodes=1500", skip)
    const watch = watching(mebi)
    expect(await watch.look()).toBeUndefined()
    for (let i = 0; i < 600; i++) writeFileSync(join(folder, String(i)), "")
    expect((await fresh(watch))?.message).toMatch(/room for fewer than 1000 more files \(inodes\)/)
  })
})
