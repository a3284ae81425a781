import { basename, dirname, join, relative, resolve } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { folderCycles } from "./folderCycles.ts"
import { importsOf, sourcesIn } from "./importsOf.ts"

const root = join(import.meta.dirname, "../..")

/** The packages that each package may import. The picture is in docs/architecture.md. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  "config-schema": [],
  synth: ["config-schema"],
  oci: ["config-schema"],
  builder: ["config-schema", "oci"],
  sdk: ["config-schema", "synth"],
  server: ["config-schema", "synth", "oci", "builder", "sdk"],
  cli: ["config-schema", "sdk", "synth", "oci", "builder", "server"]
}
/** Only commands that need these load them, so that the others start fast. */
const onlyLazily: Readonly<Record<string, ReadonlyArray<string>>> = {
  cli: ["synth", "oci", "builder", "server"],
  // An optional peer: only `@maxcloud/sdk/testing` imports it.
  sdk: ["synth"]
}

describe("import directions", () => {
  for (const [name, below] of Object.entries(allowed)) {
    it(`${name} imports only ${below.length === 0 ? "third-party packages" : below.join(", ")}`, () => {
      const folder = join(root, name, "src")
      for (const file of sourcesIn(folder)) {
        for (const { isLazy, isType, specifier } of importsOf(file)) {
          const where = `${relative(root, file)} imports ${specifier}`
          if (specifier.startsWith(".")) {
            expect(
              resolve(dirname(file), specifier).startsWith(join(root, name, "/")),
              `${where}: outside its package`
            ).toBe(true)
            continue
          }
          const target = /^@maxcloud\/([^/]+)/.exec(specifier)?.[1]
          if (target === undefined) continue
          expect(below, where).toContain(target)
          if (name === "sdk" && target === "synth")
            expect(file, `${where}: only in sdk/src/testing`).toMatch(/sdk\/src\/testing\//)
          if (onlyLazily[name]?.includes(target) === true && !isType)
            expect(isLazy, `${where}: only by import("…")`).toBe(true)
        }
      }
    })
  }
})

describe("the folders of a package", () => {
  for (const name of ["builder", "cli", "config-schema", "oci", "sdk", "synth"]) {
    it(`of ${name} form no import cycle`, () => {
      const folder = join(root, name, "src")
      const edges = sourcesIn(folder)
        // Ignore the re-exports of an index: its folder doesn't depend on them.
        .filter((file) => basename(file) !== "index.ts")
        .flatMap((file) =>
          importsOf(file)
            .filter(({ specifier }) => specifier.startsWith("."))
            .map(({ specifier }) => ({
              from: relative(folder, file),
              to: relative(folder, resolve(dirname(file), specifier))
            }))
        )
      expect(edges.length).toBeGreaterThan(10)
      expect(folderCycles(edges)).toStrictEqual([])
    })
  }
})
