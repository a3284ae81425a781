import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { temporaryFolder } from "../../../../sdk/test/temporaryFolder.ts"
import { treeFault, writeTreeFiles } from "./treeFiles.ts"

const name = fc.constantFrom("a", "b", "index.js", "ü", "a b")
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((generated) => generated.join("/"))
const content = fc.uint8Array({ minLength: 1, maxLength: 40 })
const tree = fc.dictionary(path, content, { minKeys: 1, maxKeys: 6 })

/** Writes what fits beside what already exists. */
const make = (root: string, files: Readonly<Record<string, Uint8Array>>): ReadonlyArray<string> => {
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root)
  return Object.entries(files).flatMap(([at, bytes]) => {
    try {
      mkdirSync(dirname(join(root, at)), { recursive: true })
      writeFileSync(join(root, at), bytes, { flag: "wx" })
      return [at]
    } catch {
      return []
    }
  })
}

const flip = (file: string, at: number) => {
  const bytes = readFileSync(file)
  const place = at % bytes.length
  bytes.writeUInt8((bytes.readUInt8(place) + 1) % 256, place)
  writeFileSync(file, bytes)
}

/** What can happen to a file; `hidden`: it keeps its size and its times, as on a faulty disk. */
const damages = {
  truncated: (file: string) => truncateSync(file, 0),
  longer: (file: string) => appendFileSync(file, "x"),
  removed: (file: string) => rmSync(file),
  "without its folder": (file: string) => rmSync(dirname(file), { recursive: true }),
  "a folder": (file: string) => {
    rmSync(file)
    mkdirSync(file)
  },
  "a link": (file: string) => {
    rmSync(file)
    symlinkSync("elsewhere", file)
  },
  "changed by a byte": (file: string, at: number) => {
    flip(file, at)
    utimesSync(file, 1, 1)
  },
  "with another beside it": (file: string) => writeFileSync(`${file}.more`, "")
}
const kinds = fc.constantFrom(...Object.entries(damages))

describe("the list of a tree's files", () => {
  const folder = temporaryFolder("maxcloud-tree-")
  const [root, list] = [join(folder, "tree"), join(folder, "files")]

  it("finds nothing wrong if nothing was touched, or only touched", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.string(), async (files, also) => {
        const [first = ""] = make(root, files)
        symlinkSync("nowhere", join(root, "link"))
        await writeTreeFiles(root, list, also)
        utimesSync(join(root, first), 5, 5)
        for (const depth of ["quick", "whole"] as const)
          expect(await treeFault(root, list, depth, also)).toBe(undefined)
      }),
      { numRuns: 60 }
    )
  })

  it("finds any change to a file", async () => {
    await fc.assert(
      fc.asyncProperty(tree, kinds, fc.nat(), async (files, [, damage], number) => {
        const made = make(root, files)
        await writeTreeFiles(root, list)
        damage(join(root, made[number % made.length] ?? ""), number)
        for (const depth of ["quick", "whole"] as const) expect(await treeFault(root, list, depth)).toBeTypeOf("string")
      }),
      { numRuns: 150 }
    )
  })

  it("finds a byte that a disk has changed by reading everything", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.nat(), async (files, number) => {
        const made = make(root, files)
        const file = join(root, made[number % made.length] ?? "")
        await writeTreeFiles(root, list)
        const { atime, mtime } = statSync(file)
        flip(file, number)
        utimesSync(file, atime, mtime)
        expect(await treeFault(root, list, "whole")).toMatch(/different content/)
      }),
      { numRuns: 60 }
    )
  })

  it("finds its own damage, and that of the text that belongs to it", async () => {
    await fc.assert(
      fc.asyncProperty(tree, fc.nat(), fc.string(), fc.boolean(), async (files, number, also, isCut) => {
        make(root, files)
        await writeTreeFiles(root, list, also)
        expect(await treeFault(root, list, "quick", `${also}x`)).toBe("the list of its files is damaged")
        if (isCut) truncateSync(list, number % lstatSync(list).size)
        else flip(list, number)
        expect(await treeFault(root, list, "quick", also)).toBe("the list of its files is damaged")
      }),
      { numRuns: 60 }
    )
  })

  it("says that a tree or its list is gone, or can't be read", async () => {
    make(root, { a: Buffer.from("a") })
    await writeTreeFiles(root, list)
    if (process.getuid?.() !== 0) {
      chmodSync(root, 0)
      expect(await treeFault(root, list, "quick")).toBe("it can't be read (EACCES)")
      chmodSync(root, 0o700)
    }
    rmSync(list)
    expect(await treeFault(root, list, "quick")).toBe("it can't be read (ENOENT)")
    rmSync(root, { recursive: true })
    expect(existsSync(root)).toBe(false)
    expect(await treeFault(root, list, "quick")).toBe("it can't be read (ENOENT)")
  })
})
