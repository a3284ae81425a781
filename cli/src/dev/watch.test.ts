import { mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"
import { parseAppSpec, StageName } from "@maxcloud/config-schema"
import { configNames, sourceFilterOf } from "@maxcloud/sdk/internal"
import { Effect, Either } from "effect"
import { makeBrake } from "./brake.ts"
import { makeChanges } from "./changes.ts"
import { makeWatcher, type Watcher } from "./watch.ts"

const makeFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "maxcloud-watch-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
)

const seen = (watcher: Watcher, file: string) =>
  Effect.iterate(false, {
    while: (value) => !value,
    body: () => Effect.map(watcher.next, (found) => found.has(file))
  }).pipe(Effect.timeout("8 seconds"))

const write = (file: string, content: string) => Effect.promise(() => writeFile(file, content))

it.scopedLive("reports a file that a rename replaced, and later writes to it", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    const file = join(folder, "index.js")
    yield* write(file, "0")
    const watcher = yield* makeWatcher(join(folder, "data"))
    yield* watcher.watch([folder])
    for (let round = 0; round < 3; round++) {
      yield* write(join(folder, "next.tmp"), `replaced ${round}`)
      yield* Effect.promise(() => rename(join(folder, "next.tmp"), file))
      yield* seen(watcher, file)
      yield* write(file, `in place ${round}`)
      yield* seen(watcher, file)
    }
  })
)

it.scopedLive("reports files in folders that are created later, among 10,000, and none that it ignores", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    yield* Effect.promise(async () => {
      for (let index = 0; index < 100; index++) {
        await mkdir(join(folder, `d${index}`))
        await Promise.all(
          Array.from({ length: 100 }, (_, file) => writeFile(join(folder, `d${index}`, `${file}.js`), ""))
        )
      }
      for (const name of ["node_modules", ".git", "data"]) await mkdir(join(folder, name))
    })
    const watcher = yield* makeWatcher(join(folder, "data"))
    yield* watcher.watch([folder])
    for (const name of ["node_modules", ".git", "data"]) yield* write(join(folder, name, "x.js"), "1")
    yield* write(join(folder, "d99", "99.js"), "1")
    const first = yield* watcher.next
    expect([...first]).toEqual([join(folder, "d99", "99.js")])
    yield* Effect.promise(() => mkdir(join(folder, "new", "deep"), { recursive: true }))
    yield* write(join(folder, "new", "deep", "file.js"), "1")
    yield* seen(watcher, join(folder, "new", "deep", "file.js"))
    yield* Effect.promise(() => rename(join(folder, "new"), join(folder, "moved")))
    const moved = join(folder, "moved", "deep", "file.js")
    yield* seen(watcher, moved)
    yield* write(moved, "2")
    yield* seen(watcher, moved)
  })
)

it.scopedLive("watches single files outside its folders, even if they are replaced", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    const other = yield* makeFolder
    const shared = join(other, "shared.ts")
    yield* write(shared, "0")
    const watcher = yield* makeWatcher(join(folder, "data"))
    yield* watcher.watch([folder], [shared])
    yield* write(join(other, "new.ts"), "1")
    yield* Effect.promise(() => rename(join(other, "new.ts"), shared))
    yield* seen(watcher, shared)
    yield* write(shared, "2")
    yield* seen(watcher, shared)
  })
)

it.scopedLive("reports that the system's limit is reached, and how to raise it", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    const full = new Error("inotify_add_watch on '/x' failed: No space left on device")
    const atOnce = yield* makeWatcher("/data", () => Promise.reject(full))
    const refused = yield* Effect.flip(atOnce.watch([folder]))
    expect(refused.message).toContain("limit of watched files")
    expect(refused.fix).toContain("fs.inotify.max_user_watches")
    const later = yield* makeWatcher("/data", async (_, callback) => {
      callback(full, [])
      return { unsubscribe: async () => undefined }
    })
    yield* later.watch([folder])
    expect((yield* Effect.flip(later.next)).message).toContain("limit of watched files")
  })
)

const spec = Either.getOrThrow(parseAppSpec({ app: "shop", services: [{ name: "web", source: { path: "." } }] }))

const loadedFor = (folder: string): Parameters<ReturnType<typeof makeChanges>["of"]>[2] => ({
  file: join(folder, "maxcloud.config.ts"),
  folder,
  files: [join(folder, "maxcloud.config.ts")],
  stage: StageName.make("dev"),
  spec: spec,
  policies: { problems: [], warnings: [] },
  assumed: [],
  charts: [],
  locate: async () => []
})

it.scopedLive("counts only files in the snapshot as source, and only if their content changed", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    const at = (path: string) => join(folder, path)
    yield* Effect.promise(() => mkdir(at("data")))
    yield* Effect.promise(() => mkdir(at("dist")))
    yield* write(at(".gitignore"), "data/\n")
    const changes = makeChanges({ configNames, sourceFilterOf })
    const of = (...paths: ReadonlyArray<string>) =>
      Effect.promise(() => changes.of(new Set(paths.map(at)), folder, loadedFor(folder)))

    yield* write(at("data/app.db"), "1")
    expect(yield* of("data/app.db")).toEqual({ config: false, sources: new Set(), held: [] })
    yield* write(at("dist/main.js"), "1")
    expect((yield* of("dist/main.js")).sources).toEqual(new Set([at("dist/main.js")]))
    yield* write(at("dist/main.js"), "1")
    expect(yield* of("dist/main.js")).toEqual({ config: false, sources: new Set(), held: [] })
    yield* write(at("dist/main.js"), "2")
    expect((yield* of("dist/main.js")).sources).toEqual(new Set([at("dist/main.js")]))
  })
)

it.scopedLive("handles several files below a folder that has its own ignore rules", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    const at = (path: string) => join(folder, path)
    yield* Effect.promise(() => mkdir(at("web")))
    yield* write(at("web/.gitignore"), "*.db\n")
    const isSource = yield* Effect.promise(() => sourceFilterOf(folder))
    const verdicts: Array<boolean> = []
    for (const path of ["web/a.js", "web/app.db", "web/b.js"])
      verdicts.push(yield* Effect.promise(() => isSource(path)))
    expect(verdicts).toEqual([true, false, true])
  })
)

it.scopedLive("breaks the loop of an app that writes into its source, and names the file", () =>
  Effect.gen(function* () {
    const folder = yield* makeFolder
    let time = 0
    const changes = makeChanges({ configNames, sourceFilterOf }, () => time)
    const file = join(folder, "state.json")
    let redeployments = 0
    const named: string[] = []
    for (let round = 0; round < 100; round++) {
      time += 1_200
      yield* write(file, String(round))
      const { held, sources } = yield* Effect.promise(() => changes.of(new Set([file]), folder, loadedFor(folder)))
      redeployments += sources.size
      named.push(...held.map((each) => each.file))
    }
    expect(named).toEqual([file])
    expect(redeployments).toBeLessThan(10)
  })
)

it("doesn't hold back frequent saves, or a file after a pause", () => {
  let time = 0
  const brake = makeBrake(() => time)
  const save = (afterMs: number) => {
    time += afterMs
    return brake.pass(["index.js"]).passed.length
  }
  for (let round = 0; round < 40; round++) expect(save(round % 3 === 0 ? 2_500 : 9_000)).toBe(1)
  while (save(1_000) === 1);
  expect(save(1_000)).toBe(0)
  expect(save(20_000)).toBe(1)
})
