import { readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs"
import { chmod, readFile, rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { SourceDigest } from "@maxcloud/config-schema"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Option, Schema, Stream } from "effect"
import { temporaryFolder } from "../../../../sdk/test/temporaryFolder.ts"
import { digestOf, type Entry, tarOf } from "../../../test/sources/tar.ts"
import { startTestNpmRegistry, type TestNpmRegistry } from "../../../test/sources/testNpmRegistry.ts"
import { type SourceError, SourceStore, type SourceToBuild } from "./SourceStore.ts"
import { layer } from "./sourceStoreLayer.ts"

const own = Schema.decodeSync(OrganizationId)(`org_${"1".padStart(32, "0")}`)
const toDigest = Schema.decodeSync(SourceDigest)
let data: string
let environment: NodeJS.ProcessEnv
let lines: Array<string>

/** Each time as a server that has just started. */
const run = <A, E>(use: (store: typeof SourceStore.Service) => Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(Effect.provide(Effect.flatMap(SourceStore, use), layer({ dataDirectory: data, environment })))

const entries: ReadonlyArray<Entry> = [
  { path: "index.js", content: 'console.log("hello")\n' },
  { path: "lib/current", type: "2", target: "other.js" },
  { path: "lib/other.js", content: "x".repeat(2 ** 21) }
]
const put = (some = entries) => run((store) => store.put(own, toDigest(digestOf(some)), Stream.make(tarOf(some))))
const find = (some = entries) => run((store) => store.find(own, toDigest(digestOf(some))))
const built = async (some = entries, how: Omit<SourceToBuild, "digest"> = {}) => {
  lines = []
  const found = await run((store) =>
    store.built(own, { digest: toDigest(digestOf(some)), hasCommand: true, ...how }, (line) => lines.push(line))
  )
  if ("image" in found) throw new Error("It is an image")
  return found.folder
}
const refused = async (some = entries): Promise<SourceError> =>
  run((store) => Effect.flip(store.built(own, { digest: toDigest(digestOf(some)), hasCommand: true })))
const isWhole = (some = entries) =>
  run((store) => store.isWhole(own, { digest: toDigest(digestOf(some)), hasCommand: true }))

const folderOf = (name: string) => join(data, "sources", own, name)
const namesIn = (name: string) => {
  try {
    return readdirSync(folderOf(name))
  } catch {
    return []
  }
}
const archive = () => join(folderOf("archives"), namesIn("archives")[0] ?? "")
const flip = (file: string, keepsTime: boolean) => {
  const { atime, mtime } = statSync(file)
  const bytes = readFileSync(file)
  const at = Math.floor(bytes.length / 2)
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
  writeFileSync(file, bytes)
  if (keepsTime) utimesSync(file, atime, mtime)
  else utimesSync(file, 1, 1)
}
/** Read-only folders keep users other than root from changing their contents. */
const open = async (folder: string) => {
  for (const path of [folder, join(folder, "lib"), join(folder, "index.js"), join(folder, "lib/other.js")])
    await chmod(path, 0o755)
}

beforeEach(() => {
  data = temporaryFolder("maxcloud-damage-")
  environment = { PATH: process.env["PATH"], HOME: join(data, "home") }
})

describe("a damaged source archive", () => {
  it.each([
    ["cut", () => truncateSync(archive(), 100)],
    ["empty", () => truncateSync(archive(), 0)],
    ["changed by a byte", () => flip(archive(), false)],
    ["changed by a byte, with its old time", () => flip(archive(), true)]
  ])("that is %s isn't found, so it's uploaded again, and is set aside", async (_, damage) => {
    await put()
    expect(await find()).toEqual(Option.some(tarOf(entries).length))
    damage()
    expect(await find()).toEqual(Option.none())
    expect(namesIn("archives")).toEqual([])
    expect(namesIn("damaged")).toHaveLength(1)
    await put()
    expect(await find()).toEqual(Option.some(tarOf(entries).length))
    expect(await readFile(join(await built(), "index.js"), "utf8")).toBe(entries[0]?.content)
  })

  it("is noticed within one run of the server, too", async () => {
    const digest = toDigest(digestOf(entries))
    await run((store) =>
      Effect.gen(function* () {
        yield* store.put(own, digest, Stream.make(tarOf(entries)))
        yield* store.find(own, digest)
        flip(archive(), false)
        expect(yield* store.find(own, digest)).toEqual(Option.none())
      })
    )
  })

  it("fails a build with instructions, and doesn't affect existing builds", async () => {
    await put()
    const folder = await built()
    flip(archive(), true)
    expect(await built()).toBe(folder)
    await open(folder)
    await rm(join(folder, "index.js"))
    const { message, reason } = await refused()
    expect(reason).toBe("invalid")
    expect(message).toMatch(/is damaged on disk\. Run `maxcloud deploy`, which uploads it again\./)
    expect(namesIn("archives")).toEqual([])
    expect(await find()).toEqual(Option.none())
    await put()
    expect(await readFile(join(await built(), "index.js"), "utf8")).toBe(entries[0]?.content)
  })

  it("is replaced by a new upload", async () => {
    await put()
    truncateSync(archive(), 0)
    await put()
    expect(await find()).toEqual(Option.some(tarOf(entries).length))
  })
})

describe("a damaged built source", () => {
  it.each<[string, (folder: string) => Promise<void> | void]>([
    ["has an empty file", (value) => truncateSync(join(value, "index.js"), 0)],
    ["has a changed byte", (value) => flip(join(value, "index.js"), false)],
    ["has a changed byte in a large file", (value) => flip(join(value, "lib/other.js"), false)],
    ["misses a file", (value) => rm(join(value, "index.js"))],
    ["misses a link", (value) => rm(join(value, "lib/current"))],
    ["misses a folder", (value) => rm(join(value, "lib"), { recursive: true })],
    ["has an extra file", (value) => writeFile(join(value, "more.js"), "")],
    ["is gone", (value) => rm(value, { recursive: true })],
    ["is gone with everything that belongs to it", (value) => rm(join(value, "../.."), { recursive: true })],
    ["doesn't say how it runs", (value) => truncateSync(join(value, "../built.json"), 0)],
    ["runs in another way", (value) => flip(join(value, "../built.json"), false)],
    ["has lost its list", (value) => rm(join(value, "../files"))],
    ["has another list", (value) => flip(join(value, "../files"), false)]
  ])("that %s is set aside and built again", async (_, damage) => {
    await put()
    const folder = await built()
    expect(await built()).toBe(folder)
    expect(lines).toEqual([])
    await open(folder)
    await damage(folder)
    expect(await isWhole()).toBe(false)
    const isGone = namesIn("built").length === 0
    expect(await built()).toBe(folder)
    if (!isGone) expect(lines[0]).toMatch(/^The built source is damaged on disk: .*\. Building it again\.$/)
    expect(namesIn("damaged")).toHaveLength(isGone ? 0 : 1)
    expect(await isWhole()).toBe(true)
    expect(await readFile(join(folder, "index.js"), "utf8")).toBe(entries[0]?.content)
    expect(namesIn("unfinished")).toEqual([])
  })

  it("is detected when all files are read, even if a disk changed it without a trace", async () => {
    await put()
    const folder = await built()
    await open(folder)
    flip(join(folder, "index.js"), true)
    expect(await isWhole()).toBe(false)
    expect(await readFile(join(await built(entries, { care: "whole" }), "index.js"), "utf8")).toBe(entries[0]?.content)
    expect(await isWhole()).toBe(true)
  })

  it("is kept a few times, not forever", async () => {
    await put()
    for (let time = 0; time < 7; time++) {
      const folder = await built()
      await open(folder)
      await writeFile(join(folder, "index.js"), `damaged ${time}`)
    }
    expect(namesIn("damaged")).toHaveLength(4)
  })
})

describe("dependencies", () => {
  let registry: TestNpmRegistry
  beforeAll(async () => {
    registry = await startTestNpmRegistry()
  })
  afterAll(() => registry.close())
  beforeEach(() => {
    registry.requests.length = 0
    environment = { ...environment, npm_config_registry: registry.url, npm_config_cache: join(data, "npm-cache") }
  })
  const project = (code: string): ReadonlyArray<Entry> => [
    { path: "index.js", content: code },
    {
      path: "package-lock.json",
      content: JSON.stringify({
        name: "app",
        version: "1.0.0",
        lockfileVersion: 3,
        requires: true,
        packages: {
          "": { name: "app", version: "1.0.0", dependencies: { greeting: "1.0.0" } },
          "node_modules/greeting": {
            version: "1.0.0",
            resolved: registry.tarball,
            integrity: registry.integrity,
            hasInstallScript: true
          }
        }
      })
    },
    {
      path: "package.json",
      content: JSON.stringify({ name: "app", version: "1.0.0", dependencies: { greeting: "1.0.0" } })
    }
  ]
  const greeting = "node_modules/greeting/index.js"
  const key = () => namesIn("dependencies").find((text) => !text.includes(".")) ?? ""

  it.each<[string, (file: string) => void]>([
    ["emptied", (file) => truncateSync(file, 0)],
    ["changed by a disk without a trace", (file) => flip(file, true)]
  ])("that were %s in the cache are installed again for the next build", async (_, damage) => {
    await put(project("one"))
    const first = await built(project("one"))
    const text = await readFile(join(first, greeting), "utf8")
    damage(join(folderOf("dependencies"), key(), "greeting/index.js"))
    await put(project("two"))
    const second = await built(project("two"))
    expect(lines).toContain("$ npm ci --omit=dev")
    expect(await readFile(join(second, greeting), "utf8")).toBe(text)
    expect(namesIn("damaged")).toHaveLength(1)
    // They share their files with what was built from them.
    expect(await isWhole(project("one"))).toBe(process.getuid?.() !== 0)
    expect(await readFile(join(await built(project("one"), { care: "whole" }), greeting), "utf8")).toBe(text)
  })

  it("are installed again, and everything is rebuilt, for a build that never became ready", async () => {
    await put(project("one"))
    const folder = await built(project("one"))
    const before = statSync(join(folder, greeting)).ino
    await built(project("one"))
    expect(lines).toEqual([])
    expect(await built(project("one"), { care: "fresh" })).toBe(folder)
    expect(lines).toContain("$ npm ci --omit=dev")
    expect(statSync(join(folder, greeting)).ino).not.toBe(before)
    // Nothing was wrong with the existing ones.
    expect(namesIn("damaged").filter((text) => !text.includes("-dependencies-"))).toEqual([])
    lines = []
    await put(project("two"))
    await built(project("two"))
    expect(lines.filter((line) => line.startsWith("$ "))).toEqual([])
    expect(await isWhole(project("one"))).toBe(true)
  })

  it("stay if the archive of a revision that never became ready is gone", async () => {
    await put(project("one"))
    const folder = await built(project("one"))
    await rm(archive())
    expect(await built(project("one"), { care: "fresh" })).toBe(folder)
    expect(await isWhole(project("one"))).toBe(true)
  })
})
