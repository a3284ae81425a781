import { lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join, relative, sep } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { isInside } from "./files.ts"

let box: string
beforeAll(() => {
  box = realpathSync(mkdtempSync(join(tmpdir(), "maxcloud-files-")))
})
afterAll(() => rmSync(box, { recursive: true, force: true }))

const names = ["a", "b", "c"] as const
const name = fc.constantFrom(...names)
/** Anything that a build may leave at a path: a folder, a file, or a link to anywhere. */
const entry = fc.record({
  path: fc.array(name, { minLength: 1, maxLength: 4 }),
  is: fc.oneof(
    fc.constantFrom("folder", "file"),
    fc
      .tuple(fc.constantFrom("root", "outside", "beside"), fc.array(name, { maxLength: 2 }))
      .map(([to, below]) => ({ to, below }))
  )
})
const asked = fc.array(fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.constant("..") }), {
  minLength: 1,
  maxLength: 5
})

type Entry = typeof entry extends fc.Arbitrary<infer A> ? A : never

const make = (box: string, entries: ReadonlyArray<Entry>) => {
  for (const { is, path } of entries) {
    const place = join(box, "root", ...path)
    try {
      if (typeof is === "object") symlinkSync(join(is.to === "beside" ? "." : join(box, is.to), ...is.below), place)
      else if (is === "folder") mkdirSync(place, { recursive: true })
      else writeFileSync(place, "", { flag: "wx" })
    } catch {
      // Something else exists there, or the folder doesn't.
    }
  }
}

const isEntry = (path: string): boolean => {
  try {
    return !lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

/** The specification: no step from the root to the entry's folder is a link or leaves the root. */
const byHand = (root: string, path: string): boolean => {
  const way = relative(root, dirname(path))
  if (way.split(sep).includes("..")) return false
  let at = root
  for (const step of way === "" ? [] : way.split(sep)) {
    at = join(at, step)
    if (!isEntry(at)) return false
  }
  return true
}

describe("the path to an entry of a tree", () => {
  it("is inside only if it has no links and doesn't leave the root, whatever a build has left", async () => {
    let [count, inside] = [0, 0]
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 12 }),
        fc.array(asked, { minLength: 1, maxLength: 8 }),
        async (entries, paths) => {
          const here = join(box, String(count++))
          for (const folder of ["root", "outside/a/b", "outside/b"]) mkdirSync(join(here, folder), { recursive: true })
          make(here, entries)
          const root = join(here, "root")
          for (const parts of paths) {
            const path = join(root, ...parts)
            const expected = byHand(root, path)
            if (expected) inside++
            expect(await isInside(root, path), path).toBe(expected)
          }
        }
      ),
      { numRuns: 400 }
    )
    expect(inside).toBeGreaterThan(100)
  })

  it("can start with a root behind a link", async () => {
    mkdirSync(join(box, "real/a"), { recursive: true })
    symlinkSync(join(box, "real"), join(box, "link"))
    expect(await isInside(join(box, "link"), join(box, "link/a/x"))).toBe(true)
    expect(await isInside(join(box, "link"), join(box, "link/b/x"))).toBe(false)
  })
})
