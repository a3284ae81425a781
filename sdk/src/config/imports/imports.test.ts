import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { mkdir } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
import { imports, makeConfigFolder } from "../../../test/configFolder.ts"
import { loadConfig } from "../../index.ts"
import { configNames } from "../findConfig.ts"
import { fileFor, importedExtensions } from "./fileFor.ts"

const { failure, remove, root, write } = await makeConfigFolder()
afterAll(remove)

/** A config that deploys `name`, which it gets from this import. */
const importing = (statement: string) =>
  `${imports}${statement}\nexport default defineConfig({ app: "shop", services: [service(name, { image: "nginx" })] })`

const required = `const { defineConfig, service } = require("@maxcloud/sdk/config")
module.exports = defineConfig({ app: "shop", services: [service("web", { image: "nginx" })] })`

/** The name of the service, and the config's files, by their paths in the folder. */
const load = async (file: string) => {
  const { files, spec } = await loadConfig({ folder: root, file })
  const own = files.filter((text) => text.startsWith(`${root}/`)).map((each) => each.slice(root.length + 1))
  return { name: String(spec.services[0]?.name), files: own.toSorted() }
}

describe("a config's own file", () => {
  const written: Readonly<Record<string, string>> = {
    ".ts": importing(`const name: string = "web"`),
    ".mts": importing(`const name: string = "web"`),
    ".cts": importing(`const name: string = "web"`),
    ".js": importing(`const name = "web"`),
    ".mjs": importing(`const name = "web"`),
    ".cjs": required,
    ".yaml": "app: shop\nservices: [{ name: web, image: nginx }]",
    ".yml": "app: shop\nservices: [{ name: web, image: nginx }]",
    ".json": `{ "$schema": "./schema.json", "app": "shop", "services": [{ "name": "web", "image": "nginx" }] }`
  }

  it("has an example here for each file name", () => {
    expect(configNames).toStrictEqual(Object.keys(written).map((name) => `maxcloud.config${name}`))
  })

  it.each(Object.keys(written))("can end with %s, whatever the package's type is", async (extension) => {
    for (const [type, manifest] of [
      ["commonjs", `{ "type": "commonjs" }`],
      ["module", `{ "type": "module" }`],
      ["none", "{}"]
    ] as const) {
      const folder = `kinds/${extension.slice(1)}-${type}`
      await write({
        [`${folder}/package.json`]: manifest,
        [`${folder}/maxcloud.config${extension}`]: written[extension] ?? ""
      })
      const { file, spec } = await loadConfig({ folder: join(root, folder) })
      expect([file, String(spec.services[0]?.name)]).toStrictEqual([
        join(root, folder, `maxcloud.config${extension}`),
        "web"
      ])
    }
  })

  it("can be a compiled TypeScript module, or CommonJS in TypeScript", async () => {
    await write({
      "compiled.cjs": `"use strict"
Object.defineProperty(exports, "__esModule", { value: true })
const config_1 = require("@maxcloud/sdk/config")
const name_1 = require("./cjs/name")
exports.default = (0, config_1.defineConfig)({ app: "shop", services: [(0, config_1.service)(name_1.name, { image: "nginx" })] })`,
      "cjs/name.ts": `const name: string = "web"\nmodule.exports = { name }`,
      "plain.cts": required.replace(`"web"`, `"web" as string`)
    })
    expect(await load("compiled.cjs")).toStrictEqual({ name: "web", files: ["cjs/name.ts", "compiled.cjs"] })
    expect((await load("plain.cts")).name).toStrictEqual("web")
  })
})

const name = `export const name: string = "web"`

describe("a config's imports", () => {
  const works: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, ReadonlyArray<string>]> = [
    [
      "a file without its extension",
      { "c.ts": importing(`import { name } from "./shared"`), "shared.ts": name },
      ["shared.ts"]
    ],
    [
      "a folder with an index",
      {
        "c.ts": importing(`import { name } from "./lib"`),
        "lib/index.ts": `export * from "./deep/"`,
        "lib/deep/index.mts": name
      },
      ["lib/deep/index.mts", "lib/index.ts"]
    ],
    [
      "the .ts of a .js",
      { "c.mts": importing(`import { name } from "./shared.js"`), "shared.ts": name },
      ["shared.ts"]
    ],
    [
      "JSON",
      { "c.ts": importing(`import data from "./d.json"\nconst { name } = data`), "d.json": `{"name":"web"}` },
      ["d.json"]
    ],
    [
      "JSON with a type",
      {
        "c.ts": importing(
          `import data from "./d.json" with { type: "json" }\nimport { again } from "./again"\nconst name = again === data ? data.name : "two"`
        ),
        "again.js": `import again from "./d.json"\nexport { again }`,
        "d.json": `{"name":"web"}`
      },
      ["again.js", "d.json"]
    ],
    [
      "JSON by import()",
      { "c.ts": importing(`const { name } = (await import("./d.json")).default`), "d.json": `{"name":"web"}` },
      ["d.json"]
    ],
    [
      "paths from an extended tsconfig.json, with comments",
      {
        "c.ts": importing(`import { name } from "@/shared"`),
        "tsconfig.json": `{ // the base has them\n "extends": "./base/tsconfig.base.json", }`,
        "base/tsconfig.base.json": `{ "compilerOptions": { "baseUrl": "../src", "paths": { "@/*": ["./nope/*", "./*"] } } }`,
        "src/shared.ts": `export * from "@/deep/name"`,
        "src/deep/name.ts": name
      },
      ["src/deep/name.ts", "src/shared.ts", "tsconfig.json"]
    ],
    [
      "only baseUrl",
      {
        "c.ts": importing(`import { name } from "src/shared"\nimport { readFileSync } from "fs"`),
        "tsconfig.json": `{ "compilerOptions": { "baseUrl": "." } }`,
        "src/shared.ts": name,
        "fs.ts": "throw new Error('not this one')"
      },
      ["src/shared.ts", "tsconfig.json"]
    ],
    [
      "paths of a project that tsconfig.json references",
      {
        "c.ts": importing(`import { name } from "~/shared.ts"`),
        "tsconfig.json": `{ "files": [], "references": [{ "path": "./tsconfig.app.json" }] }`,
        "tsconfig.app.json": `{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }`,
        "src/shared.ts": name
      },
      ["src/shared.ts", "tsconfig.app.json"]
    ],
    [
      "paths of a jsconfig.json, for names with #",
      {
        "c.js": importing(`import { name } from "#shared"`),
        "jsconfig.json": `{ "compilerOptions": { "paths": { "#*": ["./src/*"] } } }`,
        "src/shared.js": `export const name = "web"`
      },
      ["jsconfig.json", "src/shared.js"]
    ],
    [
      "paths that take precedence over a package",
      {
        "c.ts": importing(`import { name } from "@acme/shared"`),
        "tsconfig.json": `{ "compilerOptions": { "paths": { "@acme/*": ["./packages/*/src"] } } }`,
        "packages/shared/src/index.ts": name,
        "node_modules/@acme/shared/package.json": "{}",
        "node_modules/@acme/shared/index.js": "throw new Error('not this one')"
      },
      ["packages/shared/src/index.ts", "tsconfig.json"]
    ],
    [
      "a package, even if paths only map its types",
      {
        "c.ts": importing(`import { name } from "typed"`),
        "tsconfig.json": `{ "compilerOptions": { "paths": { "typed": ["./types/typed.d.ts"] } } }`,
        "types/typed.d.ts": "export const name: string",
        "node_modules/typed/package.json": `{ "type": "module", "main": "index.js" }`,
        "node_modules/typed/index.js": `export const name = "web"`
      },
      ["tsconfig.json"]
    ],
    [
      "a package, even if tsconfig.json can't be read",
      {
        "c.ts": importing(`import { name } from "./shared"`),
        "tsconfig.json": `{ "extends": "./.svelte-kit/tsconfig.json" }`,
        "shared.ts": name
      },
      ["shared.ts"]
    ],
    [
      "a package of the workspace with TypeScript as main",
      {
        "c.ts": importing(`import { name } from "@acme/main"`),
        "package.json": `{ "type": "commonjs", "workspaces": ["packages/*"] }`,
        "node_modules/@acme/main": "-> packages/main",
        "packages/main/package.json": `{ "name": "@acme/main", "main": "src/index.ts" }`,
        "packages/main/src/index.ts": `export * from "./name"\nexport * from "@acme/exporting/name"`,
        "packages/main/src/name.ts": name,
        "node_modules/@acme/exporting": "-> packages/exporting",
        "packages/exporting/package.json": `{ "name": "@acme/exporting", "exports": { "./*": "./src/*.ts" } }`,
        "packages/exporting/src/name.ts": `export const other = 1`
      },
      ["packages/exporting/src/name.ts", "packages/main/src/index.ts", "packages/main/src/name.ts"]
    ],
    [
      "a package of the workspace without main, and a file in it",
      {
        "c.ts": importing(`import { name } from "@acme/bare"\nimport "@acme/bare/src/deep"`),
        "node_modules/@acme/bare": "-> packages/bare",
        "packages/bare/package.json": `{ "name": "@acme/bare", "type": "commonjs" }`,
        "packages/bare/src/index.ts": `export { name } from "@bare/name"`,
        "packages/bare/tsconfig.json": `{ "compilerOptions": { "paths": { "@bare/*": ["./src/*"] } } }`,
        "packages/bare/src/name.ts": name,
        "packages/bare/src/deep.ts": "export const deep = 1"
      },
      [
        "packages/bare/src/deep.ts",
        "packages/bare/src/index.ts",
        "packages/bare/src/name.ts",
        "packages/bare/tsconfig.json"
      ]
    ]
  ]
  it.each(works)("can be %s", async (what, files, expected) => {
    const folder = what.replace(/\W+/g, "-")
    await write(
      Object.fromEntries(
        Object.entries(files).map(([path, _]) => [`${folder}/${path}`, _.replace(/^-> /, `-> ${folder}/`)])
      )
    )
    const config = Object.keys(files)[0] ?? ""
    const found = await load(`${folder}/${config}`)
    expect(found).toStrictEqual({
      name: "web",
      files: [config, ...expected].toSorted().map((value) => `${folder}/${value}`)
    })
  })

  const faults: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, RegExp]> = [
    [
      "a misspelled path",
      { "c.ts": `import { a } from "./lib/shard"`, "lib/shared.ts": "" },
      /^c\.ts:1:1 {2}Can't find "\.\/lib\/shard", which is imported here\. Did you mean "\.\/lib\/shared\.ts"\?$/
    ],
    [
      "a path into a missing folder",
      { "c.ts": `\nimport "./nope/shared"` },
      /^c\.ts:2:1 {2}.*There is no folder \.\/nope\. Correct the path\.$/
    ],
    [
      "an import() of a missing file",
      { "c.ts": `export const a = 1\n  await import("./nope.ts")` },
      /^c\.ts:2:9 {2}Can't find "\.\/nope\.ts"/
    ],
    [
      "a require of a missing file",
      { "c.cjs": `\nrequire("./nope")` },
      /^c\.cjs:2:1 {2}Can't find "\.\/nope", which is imported here\. Correct the path\.$/
    ],
    [
      "a mapping to a missing file",
      {
        "c.ts": `import "@/shared"`,
        "tsconfig.json": `{ "compilerOptions": { "paths": { "@/*": ["./src/*", "./lib/*"] } } }`
      },
      /^c\.ts:1:1 {2}Can't find "@\/shared", .* tsconfig\.json maps it to src\/shared, lib\/shared, but that file doesn't exist\. Correct the import, or `paths` there\.$/
    ],
    [
      "a tsconfig.json that can't be read",
      { "c.ts": `import "@/shared"`, "tsconfig.json": `{ "extends": "./.nuxt/tsconfig.json" }` },
      /^c\.ts:1:1 .*Add it to `paths`.* tsconfig\.json can't be read: File '\.\/\.nuxt\/tsconfig\.json' not found\.$/
    ],
    [
      "a name with # that nothing maps",
      { "c.ts": `import "#shared"`, "package.json": "{}" },
      /^c\.ts:1:1 {2}Can't find "#shared", .*`imports` in the package\.json/
    ],
    [
      "a scope without a name",
      { "c.ts": `import "@shared"` },
      /^c\.ts:1:1 {2}Can't find "@shared", .*no tsconfig\.json maps it/
    ],
    [
      "a package of the workspace that isn't linked",
      {
        "c.ts": `import "@acme/shared"`,
        "package.json": `{ "workspaces": ["packages/*"] }`,
        "packages/shared/package.json": `{ "name": "@acme/shared" }`
      },
      /^c\.ts:1:1 .*It's the workspace's package in packages\/shared, which isn't linked here\. Add "@acme\/shared": "\*" .* run `npm install`\.$/
    ],
    [
      "a package of the workspace that isn't built",
      {
        "c.ts": `\nimport "@acme/unbuilt"`,
        "node_modules/@acme/unbuilt": "-> packages/unbuilt",
        "packages/unbuilt/package.json": `{ "name": "@acme/unbuilt", "exports": "./dist/index.js", "scripts": { "build": "tsc" } }`
      },
      /^c\.ts:2:1 {2}Can't find "@acme\/unbuilt", .* The package in packages\/unbuilt doesn't have dist\/index\.js\. Build it first \(`npm run build` there\)/
    ],
    [
      "a file that a package of the workspace doesn't export",
      {
        "c.ts": `import "@acme/closed/deep"`,
        "node_modules/@acme/closed": "-> packages/closed",
        "packages/closed/package.json": `{ "name": "@acme/closed", "exports": { ".": "./index.ts" } }`
      },
      /^c\.ts:1:1 {2}"@acme\/closed\/deep" isn't exported by its package\. Add "\.\/deep" to `exports` in packages\/closed\/package\.json\.$/
    ],
    [
      "TypeScript inside node_modules",
      {
        "c.ts": `import "raw"`,
        "node_modules/raw/package.json": `{ "main": "index.ts" }`,
        "node_modules/raw/index.ts": "export const a: number = 1"
      },
      /^node_modules\/raw\/index\.ts {2}Node can't run TypeScript inside node_modules\. Import its compiled JavaScript\./
    ],
    [
      "a name from JSON",
      { "c.ts": `import { port } from "./d.json"\nexport { port }`, "d.json": "{}" },
      /^c\.ts:1 {2}\.\/d\.json has only a default export, not "port"\. Write `import data from "\.\/d\.json"`/
    ],
    [
      "JSON with a mistake",
      { "c.ts": `import "./d.json"`, "d.json": `{ "a": 1, }` },
      /^d\.json:1:11 {2}This isn't valid JSON: /
    ],
    [
      "a file that isn't a program",
      { "c.ts": `import "./page.tsx"`, "page.tsx": "" },
      /^c\.ts {2}page\.tsx is imported, but Node can't run \.tsx files\. Move/
    ],
    [
      "import in a .cjs",
      { "c.cjs": `import "./x.js"` },
      /^c\.cjs:1 {2}A \.cjs file can't have import or export\. Rename it to end with \.mjs\.$/
    ],
    [
      "require in a module",
      { "c.mjs": `\nconst a = require("./x")\nexport default a` },
      /^c\.mjs:2:11 {2}"require" isn't defined in an ES module\. Use import and export/
    ],
    [
      "__dirname in a module",
      { "c.ts": `export default __dirname` },
      /^c\.ts:1:16 {2}"__dirname" isn't defined .* Use import\.meta\.dirname\.$/
    ],
    [
      "a cycle through a mapped name",
      {
        "c.ts": `import { x } from "@/g"\nexport default x`,
        "g.ts": `import f from "./c"\nexport const x = f + 1`,
        "tsconfig.json": `{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }`
      },
      /^g\.ts:2:18 {2}cyclic import: c\.ts → g\.ts → c\.ts /
    ],
    [
      "a syntax error in an import without an extension",
      { "c.ts": `import "./g"`, "g.ts": "\nlet let = 1" },
      /^g\.ts:2:5 {2}syntax error: /
    ]
  ]
  it.each(faults)("reports %s, with its position", async (what, files, expected) => {
    const folder = `faults/${what.replace(/\W+/g, "-")}`
    await write(
      Object.fromEntries(
        Object.entries(files).map(([path, _]) => [`${folder}/${path}`, _.replace(/^-> /, `-> ${folder}/`)])
      )
    )
    const issues = await failure(`${folder}/${Object.keys(files)[0]}`)
    expect(issues).toHaveLength(1)
    const told = (issues[0] ?? "").replaceAll(`${folder}/`, "")
    expect(expected.test(told), told).toBe(true)
  })

  it("leaves installed packages to Node's own rules", async () => {
    await write({
      "strict/c.ts": `import "loose"`,
      "strict/node_modules/loose/package.json": `{ "type": "module", "main": "index.js" }`,
      "strict/node_modules/loose/index.js": `import "./part"`,
      "strict/node_modules/loose/part.js": ""
    })
    expect((await failure("strict/c.ts")).join()).toMatch(
      /^strict\/node_modules\/loose\/index\.js:1:1 {2}Can't find "\.\/part"/
    )
  })
})

describe("fileFor", () => {
  const names = [
    "x",
    ...importedExtensions.map((importedExtension) => `x${importedExtension}`),
    "x.d.ts",
    ...importedExtensions.map((importedExtension) => `x/index${importedExtension}`)
  ]

  it("uses the file itself, else the first extension, else the folder's index, and never types", async () => {
    await fc.assert(
      fc.asyncProperty(fc.subarray(names), async (there) => {
        const folder = realpathSync(mkdtempSync(join(tmpdir(), "maxcloud-files-")))
        try {
          const files = there.filter((value) => value !== "x" || !there.some((other) => other.startsWith("x/")))
          if (files.some((file) => file.startsWith("x/"))) await mkdir(join(folder, "x"))
          for (const file of files) writeFileSync(join(folder, file), "")
          const expected = names.filter((name) => name !== "x.d.ts").find((name) => files.includes(name))
          expect(fileFor(join(folder, "x"))).toBe(expected === undefined ? undefined : join(folder, expected))
        } finally {
          rmSync(folder, { recursive: true })
        }
      }),
      { numRuns: 200 }
    )
  })
})
