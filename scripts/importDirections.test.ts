import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"

const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Whom a package may import. The picture is in docs/architecture.md. */
const allowed: Readonly<Record<string, ReadonlyArray<string>>> = {
  "config-schema": [],
  synth: ["config-schema"],
  builder: ["config-schema"],
  sdk: ["config-schema"],
  server: ["config-schema", "synth", "builder", "sdk"],
  cli: ["config-schema", "sdk", "synth", "builder", "server"]
}
/** Loaded only by the commands that need them, so that the others start fast. */
const onlyLazily: Readonly<Record<string, ReadonlyArray<string>>> = { cli: ["synth", "builder", "server"] }

const sources = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((_) => _.endsWith(".ts") && !_.includes("node_modules") && !_.endsWith(".test.ts"))
    .map((_) => join(folder, _))

const importsOf = (file: string) =>
  [
    ...readFileSync(file, "utf8").matchAll(
      /^\s*(import|export)\s+(type\s)?[^"';]*?from\s+"([^"]+)"|(import)\("([^"]+)"\)/gm
    )
  ].map((_) => ({ specifier: _[3] ?? _[5] ?? "", isType: _[2] !== undefined, isLazy: _[4] !== undefined }))

describe("import directions", () => {
  for (const [name, below] of Object.entries(allowed)) {
    it(`${name} imports only ${below.length === 0 ? "from outside" : below.join(", ")}`, () => {
      const folder = join(root, name, "src")
      for (const file of sources(folder)) {
        for (const { isLazy, isType, specifier } of importsOf(file)) {
          const where = `${relative(root, file)} imports ${specifier}`
          if (specifier.startsWith(".")) {
            assert.isTrue(
              resolve(dirname(file), specifier).startsWith(join(root, name, "/")),
              `${where}: outside of its package`
            )
            continue
          }
          const target = /^@maxcloud\/([^/]+)/.exec(specifier)?.[1]
          if (target === undefined) continue
          assert.include(below, target, where)
          if (onlyLazily[name]?.includes(target) === true && !isType)
            assert.isTrue(isLazy, `${where}: only by import("…")`)
        }
      }
    })
  }
})
