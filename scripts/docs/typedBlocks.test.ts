import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { loadConfig } from "@maxcloud/sdk"
import { Schema } from "effect"
import { wire } from "../../sdk/src/api/errors.ts"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { blocksOfPages, type PageBlock, placeOf } from "./pageList.ts"
import { typeFaults } from "./typedBlocks.ts"

const root = join(import.meta.dirname, "../..")
/** The blocks for clients from other generators import generated code. */
const all = blocksOfPages(/^ts$/).filter(({ page }) => page !== "docs/clients.md")
const programs = all.filter(({ noRun }) => noRun === undefined)

/** Two blocks with mistakes, which the check must find. */
const mistaken = ['service("web", { sourc: "./web" })', 'import { nothing } from "@maxcloud/sdk"\nvoid nothing'].map(
  (text, index): PageBlock => ({
    page: "mistaken.md",
    line: index + 1,
    language: "ts",
    text,
    file: undefined,
    folder: undefined,
    noRun: undefined
  })
)

/** The programs in examples/, which aren't part of the workspace. */
const examples = globSync("examples/*/*.ts", { cwd: root }).map(
  (file): PageBlock => ({
    page: file,
    line: 1,
    language: "ts",
    text: readFileSync(join(root, file), "utf8"),
    file: undefined,
    folder: undefined,
    noRun: undefined
  })
)

describe("blocks of TypeScript", () => {
  it("type-check against the packages, fragments too", { timeout: 240_000 }, async () => {
    // The number of unchecked blocks may only fall.
    expect(all.length - programs.length).toBe(1)
    expect(programs.length).toBeGreaterThan(30)
    const faults = await typeFaults([...programs, ...examples, ...mistaken])
    expect(faults.filter((fault) => !fault.startsWith("mistaken.md"))).toEqual([])
    expect(faults).toEqual([
      expect.stringMatching(/^mistaken\.md:1: .*'sourc'/),
      expect.stringMatching(/^mistaken\.md:2: .*no exported member.*nothing/)
    ])
  })
})

describe("configs", () => {
  const configs = [
    ...programs.filter(({ text }) => text.includes("export default defineConfig") && !text.includes('from "./')),
    ...blocksOfPages(/^(?:yaml|json)$/).filter(({ text }) => /^(?:#.*\n)?app: |^\{\s*"app":/.test(text))
  ]
  it.each(configs.map((config) => [placeOf(config), config] as const))("in %s are valid", async (_, block) => {
    const folder = temporaryFolder("maxcloud-block-")
    const path = join(folder, `maxcloud.config.${block.language}`)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, block.text)
    for (const stage of ["production", "preview-42"]) {
      expect((await loadConfig({ file: path, stage, runtime: "kubernetes" })).spec.services.length).toBeGreaterThan(0)
    }
  })

  it("name a schema that exists in the package", () => {
    const named = blocksOfPages(/^(?:yaml|json)$/).flatMap(({ text }) =>
      [...text.matchAll(/schema=\.\/node_modules\/@maxcloud\/([\w-]+)\/(\S+)/g)].map(([, name = "", file = ""]) => [
        name,
        file
      ])
    )
    expect(named.length).toBeGreaterThan(1)
    for (const [name = "", file = ""] of named) {
      const { exports } = JSON.parse(readFileSync(join(root, name, "package.json"), "utf8"))
      expect(Object.keys(exports), `@maxcloud/${name}`).toContain(`./${file}`)
    }
  })
})

describe("answers of the API", () => {
  it("match the API's schemas if a page shows them", () => {
    const answers = blocksOfPages(/^json$/).filter(({ text }) => text.includes('"type": "/problems/'))
    expect(answers.length).toBeGreaterThan(0)
    for (const { text } of answers) {
      const decoded = Schema.decodeUnknownSync(wire.InvalidRequest)(JSON.parse(text))
      expect(decoded).toMatchObject({ status: 400 })
    }
  })
})

describe("packages that a page's programs import", () => {
  it("are installed by a command of that page or of the tutorial", () => {
    const pagesOfPrograms = [...new Set(programs.map(({ page }) => page))].filter((page) => page.startsWith("docs/"))
    const installed = (page: string) =>
      readFileSync(join(root, page), "utf8")
        .split("\n")
        .filter((line) => /^npm i /.test(line))
        .flatMap((line) => line.split(/\s+/))
    const tutorial = installed("docs/getting-started.md")
    const missing = pagesOfPrograms.flatMap((page) => {
      const imported = programs
        .filter((program) => program.page === page)
        .flatMap(({ text }) =>
          [...text.matchAll(/from "((?:@[\w-]+\/)?[\w-]+)(?:\/[\w-]+)*"/g)].map(([, name = ""]) => name)
        )
      const known = [...tutorial, ...installed(page)]
      return [...new Set(imported)].filter((name) => !known.includes(name)).map((name) => `${page}: ${name}`)
    })
    expect(missing).toEqual([])
  })
})
