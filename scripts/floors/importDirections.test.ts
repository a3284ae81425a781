import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { cyclesIn } from "./cyclesIn.ts"
import { pageFile, pictureFile } from "./files.ts"
import { floors, rooms } from "./floors.ts"
import { folderCycles } from "./folderCycles.ts"
import { importsOf, sourcesIn } from "./importsOf.ts"
import { pictureOf, renderPage } from "./picture.ts"

const server = join(import.meta.dirname, "../../server/src")

const inside = sourcesIn(server).map((file) => relative(server, file))

const roomOf = (file: string): string => {
  const [floor = "", room = ""] = file.split("/")
  return floors.find((each) => each.name === floor)?.rooms.length === 0 ? floor : `${floor}/${room}`
}

const edges = inside.flatMap((from) =>
  importsOf(join(server, from))
    .filter((each) => each.specifier.startsWith("."))
    .map((each) => ({ from, to: relative(server, resolve(server, dirname(from), each.specifier)) }))
    .filter((each) => !each.to.startsWith(".."))
)

describe("the floors of the server", () => {
  it("contain no test helpers, which belong in server/test", () => {
    const helpers = /(^|\/)(test[A-Z]\w*|fake[A-Z]\w*|layerTest|testing|\w+ForTests?)\.ts$/
    expect(inside.filter((file) => helpers.test(file))).toStrictEqual([])
  })

  it("are its folders, at most eight", () => {
    expect(readdirSync(server).sort()).toStrictEqual(floors.map((floor) => floor.name).sort())
    expect(floors.length).toBeLessThanOrEqual(8)
    for (const { name, rooms } of floors.filter((floor) => floor.rooms.length > 0))
      expect(readdirSync(join(server, name)).sort(), name).toStrictEqual(rooms.map((room) => room.name).sort())
  })

  it("import only from lower floors and earlier rooms", () => {
    expect(edges.length).toBeGreaterThan(1000)
    const upward = edges
      .filter(({ from, to }) => rooms.indexOf(roomOf(to)) > rooms.indexOf(roomOf(from)))
      .map(({ from, to }) => `${from} imports ${to}, which is above it`)
    expect(upward, "move the shared code to the lower room (scripts/floors/floors.ts)").toStrictEqual([])
  })

  it("have no import cycles between a room's folders", () => {
    expect(folderCycles(edges)).toStrictEqual([])
  })

  it("match docs/architecture.md (else run npm run generate)", () => {
    expect(readFileSync(pictureFile, "utf8")).toBe(pictureOf())
    const page = readFileSync(pageFile, "utf8")
    expect(page).toBe(renderPage(page))
  })
})

describe("cycles", () => {
  it("are found, with all their nodes", () => {
    const graph = new Map([
      ["a", new Set(["b"])],
      ["b", new Set(["c", "d"])],
      ["c", new Set(["a"])],
      ["d", new Set(["e"])],
      ["e", new Set<string>()]
    ])
    expect(cyclesIn(graph).map((value) => [...value].sort())).toStrictEqual([["a", "b", "c"]])
  })

  it("aren't reported if arrows go only down", () => {
    expect(
      cyclesIn(
        new Map([
          ["a", new Set(["b", "c"])],
          ["b", new Set(["c"])]
        ])
      )
    ).toStrictEqual([])
  })
})
