import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "@effect/vitest"

const root = join(import.meta.dirname, "../..")
const programs = /^(builder|cli|oci|server|synth)\/src\/(?!.*\.test\.ts$)/

/** Declarations that an exported type refers to. TypeScript must be able to name them. */
const named = new Set(["StaleForm", "visitOf"])

it("another file uses each export", () => {
  const paths = globSync("{bench,builder,cli,config-schema,oci,scripts,sdk,server,synth}/**/*.ts", {
    cwd: root,
    exclude: (path) => path === "node_modules" || path === "dist"
  })
  const texts = paths.map((path) => [path, readFileSync(join(root, path), "utf8")] as const)
  const files = new Map<string, number>()
  for (const [, text] of texts) {
    for (const word of new Set(text.match(/\b[A-Za-z_]\w*\b/g))) files.set(word, (files.get(word) ?? 0) + 1)
  }
  const unused = texts
    .filter(([path]) => programs.test(path))
    .flatMap(([path, text]) =>
      [...text.matchAll(/^export (?:const|function|class) (\w+)/gm)].flatMap(([, name = ""]) =>
        files.get(name) === 1 && !named.has(name) ? [`${path}: ${name}`] : []
      )
    )
  expect(unused, "remove `export`, or the declaration").toStrictEqual([])
})
