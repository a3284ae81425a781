import { chmod, mkdir, mkdtemp, readdir, readFile, stat, utimes, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { removeTree } from "../../base/host/removeTree.ts"
import { buildSource, type Place } from "./buildSource.ts"
import { cleanDependencies, makeDependencyCache } from "./dependencyCache.ts"

let data: string
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "dependency-cache-"))
  for (const name of ["dependencies", "unfinished"]) await mkdir(join(data, name))
})
afterEach(() => removeTree(data))

const dependencies = () => join(data, "dependencies")
const hourMs = 3_600_000
const dayMs = 24 * hourMs

describe("the cache of dependencies", () => {
  const put = async (key: string, bytes: number, idleMs: number) => {
    await mkdir(join(dependencies(), key))
    for (const [ending, text] of [
      ["json", "[]"],
      ["bytes", String(bytes)]
    ])
      await writeFile(join(dependencies(), `${key}.${ending}`), text ?? "")
    const at = new Date(Date.now() - idleMs)
    await utimes(join(dependencies(), key), at, at)
  }
  const kept = async () => (await readdir(dependencies())).sort()

  it("drops entries unused for two weeks, with their notes", async () => {
    await put("new", 1, dayMs)
    await put("old", 1, 15 * dayMs)
    expect(await cleanDependencies(dependencies(), join(data, "unfinished"))).toBe(1)
    expect(await kept()).toEqual(["new", "new.bytes", "new.json"])
    expect(await readdir(join(data, "unfinished"))).toEqual([])
  })

  it("keeps at most 10 GiB of unused entries, the most recent first", async () => {
    const one = fc.record({ bytes: fc.integer({ min: 0, max: 6 * 2 ** 30 }), idle: fc.integer({ min: 0, max: 400 }) })
    await fc.assert(
      fc.asyncProperty(fc.array(one, { maxLength: 8 }), async (all) => {
        await removeTree(dependencies())
        await mkdir(dependencies())
        // Half an hour apart from every bound.
        for (const [at, { bytes, idle }] of all.entries()) await put(`k${at}`, bytes, (idle + 0.5) * hourMs + at)
        await cleanDependencies(dependencies(), join(data, "unfinished"))
        const names = await kept()
        const there = all.flatMap((value, at) => (names.includes(`k${at}`) ? [{ ...value, at }] : []))
        const sum = (some: ReadonlyArray<{ readonly bytes: number }>) =>
          some.reduce((total, each) => total + each.bytes, 0)
        for (const { idle } of all.filter((_, at) => !names.includes(`k${at}`))) expect(idle).toBeGreaterThan(0)
        expect(there.every((each) => each.idle < 14 * 24)).toBe(true)
        const idle = there.filter((each) => each.idle > 0)
        if (idle.length > 0) expect(sum(there)).toBeLessThanOrEqual(10 * 2 ** 30)
      }),
      { numRuns: 60 }
    )
  })

  it("counts from the last use", async () => {
    const cache = makeDependencyCache({
      dependencies: dependencies(),
      box: data,
      damaged: join(data, "damaged"),
      fresh: false,
      open: false
    })
    await mkdir(join(data, "modules/a"), { recursive: true })
    await writeFile(join(data, "modules/a/index.js"), "12345")
    await cache.keep("key", join(data, "modules"))
    expect(await readFile(join(dependencies(), "key.bytes"), "utf8")).toBe("5")
    const old = new Date(Date.now() - 20 * dayMs)
    await utimes(join(dependencies(), "key"), old, old)
    expect(await cache.find("key")).toBe(join(dependencies(), "key"))
    expect(await cleanDependencies(dependencies(), join(data, "unfinished"))).toBe(0)
  })
})

describe("a build of a server that isn't root", () => {
  it("can write to its dependencies without changing those of the next one", async () => {
    const write = async (tree: string) => {
      for (const [path, text] of Object.entries({
        "package.json": JSON.stringify({
          dependencies: { dep: "1.0.0" },
          scripts: { build: "cat node_modules/dep/index.js > made; echo changed > node_modules/dep/index.js" }
        }),
        "index.js": ""
      }))
        await writeFile(join(tree, path), text)
    }
    // Its dependencies already exist, as an earlier build has left them.
    let key: string | undefined
    const one = async (name: string) => {
      const box = join(data, name)
      await mkdir(join(box, "tree"), { recursive: true })
      await write(join(box, "tree"))
      await writeFile(join(box, "tree/package-lock.json"), "{}")
      const place: Place = {
        box,
        tree: join(box, "tree"),
        dependencies: dependencies(),
        damaged: join(data, "damaged"),
        fresh: false,
        marker: "test",
        node: join(process.execPath, ".."),
        buildAs: undefined,
        environment: { PATH: process.env["PATH"] },
        images: {
          build: () => Promise.reject(new Error("unused")),
          has: () => Promise.resolve(true),
          clean: () => Promise.resolve()
        },
        place: join(data, "place"),
        open: false
      }
      if (key === undefined) {
        const { planBuild } = await import("@maxcloud/builder")
        key = (await planBuild({ folder: place.tree })).installation?.cacheKey ?? ""
        await mkdir(join(box, "modules/dep"), { recursive: true })
        await writeFile(join(box, "modules/dep/index.js"), "as it was")
        await writeFile(join(box, "modules/dep/package.json"), '{"name":"dep","version":"1.0.0"}')
        await makeDependencyCache(place).keep(key, join(box, "modules"))
      }
      await buildSource(place, {}, { ending: new AbortController().signal, progress: () => undefined })
      return readFile(join(box, "done/app/made"), "utf8")
    }
    expect(await one("first")).toBe("as it was")
    expect(await one("second")).toBe("as it was")
    const file = join(dependencies(), key ?? "", "dep/index.js")
    expect(await readFile(file, "utf8")).toBe("as it was")
    expect((await stat(file)).mode & 0o222).toBe(0)
    await chmod(data, 0o700)
  })
})
