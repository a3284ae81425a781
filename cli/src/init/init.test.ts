import { execFileSync } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { loadConfig } from "@maxcloud/sdk"
import { Ajv } from "ajv"
import fc from "fast-check"
import { parse } from "yaml"
import { configText, formats } from "./configText.ts"
import { findServices } from "./findServices.ts"
import { addIgnoreLines } from "./ignoreLines.ts"
import { writeProject } from "./writeProject.ts"

const root = realpathSync(mkdtempSync(join(tmpdir(), "maxcloud-init-")))
afterAll(() => rmSync(root, { recursive: true }))
mkdirSync(join(root, "node_modules/@maxcloud"), { recursive: true })
symlinkSync(join(import.meta.dirname, "../../../sdk"), join(root, "node_modules/@maxcloud/sdk"))

/** A folder without an installed SDK. */
const bare = realpathSync(mkdtempSync(join(tmpdir(), "maxcloud-init-")))
afterAll(() => rmSync(bare, { recursive: true }))

let count = 0
/** A folder with these files, called `name`. */
const folderOf = (files: Readonly<Record<string, string>>, name = "shop", parent = root) => {
  const folder = join(parent, String(count++), name)
  mkdirSync(folder, { recursive: true })
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}
const contents = (folder: string) =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [
        join(entry.parentPath, entry.name).slice(folder.length + 1),
        readFileSync(join(entry.parentPath, entry.name), "utf8")
      ])
  )

const packageOf = (fields: object) => JSON.stringify({ name: "x", ...fields })
const starts = { scripts: { start: "node server.js" } }
const built = { scripts: { build: "x build" } }

describe("findServices", () => {
  const cases: ReadonlyArray<readonly [string, Readonly<Record<string, string>>, ReadonlyArray<string>]> = [
    [
      "a NestJS project",
      { "package.json": packageOf({ ...built, dependencies: { "@nestjs/core": "11", express: "5" } }) },
      ["shop: NestJS in ."]
    ],
    [
      "a Next.js project",
      { "package.json": packageOf({ ...built, dependencies: { next: "16" } }) },
      ["shop: Next.js in ."]
    ],
    [
      "a Vite project",
      { "package.json": packageOf({ ...built, devDependencies: { vite: "7" } }), "index.html": "" },
      ["shop: Vite in ."]
    ],
    ["a static site", { "index.html": "<h1>" }, ["shop: static site in ."]],
    ["a Python project", { "requirements.txt": "fastapi\n", "main.py": "" }, ["shop: Python in ."]],
    ["a Go module", { "go.mod": "module x", "main.go": "package main" }, ["shop: Go in ."]],
    [
      "a Dockerfile, whatever is beside it",
      { Dockerfile: "FROM x", "package.json": packageOf(starts) },
      ["shop: Dockerfile in ."]
    ],
    ["a program without a start script", { "server.js": "" }, ["shop: Node.js in ."]],
    [
      "a package with its program in src, and not only src",
      {
        "package.json": packageOf({ scripts: { dev: "nodemon -L src/index.js" }, dependencies: { express: "5" } }),
        "src/index.js": ""
      },
      ["shop: Express in ."]
    ],
    [
      "the packages of an npm workspace that start",
      {
        "package.json": packageOf({ workspaces: ["apps/*", "packages/*"], scripts: { build: "turbo run build" } }),
        "apps/web/package.json": packageOf({ ...starts, dependencies: { next: "16" } }),
        "apps/site/package.json": packageOf({ ...built, devDependencies: { vite: "7" } }),
        "apps/site/index.html": "",
        "packages/api/package.json": packageOf(starts),
        "packages/ui/package.json": packageOf({ ...built, devDependencies: { vite: "7" } })
      },
      ["site: Vite in ./apps/site", "web: Next.js in ./apps/web", "api: Node.js in ./packages/api"]
    ],
    [
      "the packages of a pnpm workspace, even with equal names",
      {
        "pnpm-workspace.yaml": "packages: [apps/*, services/*]",
        "apps/web/package.json": packageOf(starts),
        "services/web/package.json": packageOf({ ...starts, dependencies: { hono: "4" } })
      },
      ["apps-web: Node.js in ./apps/web", "services-web: Hono in ./services/web"]
    ],
    [
      "the root of a workspace without packages that start",
      {
        "package.json": packageOf({ workspaces: ["packages/*"], ...starts }),
        "packages/lib/package.json": packageOf(built)
      },
      ["shop: Node.js in ."]
    ],
    [
      "folders beside each other",
      {
        "README.md": "",
        "api/requirements.txt": "flask",
        "web/package.json": packageOf({ ...starts, dependencies: { express: "5" } }),
        "docs/index.html": "",
        "data/x.csv": ""
      },
      ["api: Python in ./api", "web: Express in ./web"]
    ]
  ]
  it.each(cases)("finds %s", async (_, files, expected) => {
    const found = await findServices(folderOf(files))
    expect(found.map(({ kind, name, source }) => `${name}: ${kind} in ${source}`)).toStrictEqual(expected)
    expect(found.every((each) => each.problem === undefined)).toBe(true)
  })

  it("finds a package of a workspace with the workspace's own package manager", async () => {
    const folder = folderOf({
      "pnpm-workspace.yaml": "packages: [apps/*]",
      "pnpm-lock.yaml": "lockfileVersion: '9.0'",
      "package.json": "{}",
      "apps/api/package.json": packageOf(starts)
    })
    const [found] = await findServices(join(folder, "apps/api"))
    expect(found).toMatchObject({ name: "api", source: "." })
    expect(found?.steps.join() ?? "").toMatch(/pnpm/)
  })

  it("reports what is missing if it can't tell how the service runs", async () => {
    const [nothing] = await findServices(folderOf({ "notes.txt": "" }))
    expect(nothing?.problem ?? "").toMatch(/The folder has nothing to run: add a `start` script/)
    const [several] = await findServices(
      folderOf({ "go.mod": "module x", "cmd/a/a.go": "package main", "cmd/b/b.go": "package main" })
    )
    expect(several?.problem ?? "").toMatch(/The Go module has several programs: \.\/cmd\/a, \.\/cmd\/b/)
    const [broken] = await findServices(folderOf({ "package.json": "{" }))
    expect(broken?.problem ?? "").toMatch(/isn't valid JSON/)
  })
})

describe("addIgnoreLines", () => {
  const all = [".maxcloud/", "node_modules/", ".env", ".env.*", "!.env.example", "!.env.sample", "!.env.template"]
  it.each<readonly [string, Readonly<Record<string, string>>, ReadonlyArray<string>]>([
    ["all without a .gitignore", {}, all],
    ["what is missing", { ".gitignore": "/node_modules\n.env\n" }, [".maxcloud/", ...all.slice(3)]],
    ["nothing that wider lines say", { ".gitignore": ".maxcloud\nnode_modules\n.env*\n!.env.example\n" }, []],
    ["nothing that a .gitignore above says", { "../.gitignore": all.join("\n"), "../.git/HEAD": "" }, []],
    [
      "no line for files that are re-included on purpose",
      { ".gitignore": ".env.local\n!.env.production\n" },
      all.slice(0, 3)
    ]
  ])("adds %s", async (_, files, expected) => {
    const folder = folderOf(files)
    expect(await addIgnoreLines(folder)).toStrictEqual(expected)
    expect(await addIgnoreLines(folder)).toStrictEqual([])
  })

  it("keeps existing lines and their line endings, and adds nothing a second time", async () => {
    const line = fc.constantFrom(
      ...all,
      "/node_modules",
      "*.log",
      "!.env.production",
      "# secrets",
      "",
      ".env*",
      "!.env",
      ".maxcloud"
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.constantFrom("\n", "\r\n"),
        fc.boolean(),
        async (lines, end, ended) => {
          const before = lines.join(end) + (ended && lines.length > 0 ? end : "")
          const folder = folderOf({ ".gitignore": before })
          await addIgnoreLines(folder)
          const after = readFileSync(join(folder, ".gitignore"), "utf8")
          expect(after.startsWith(before)).toBe(true)
          expect(await addIgnoreLines(folder)).toStrictEqual([])
          expect(readFileSync(join(folder, ".gitignore"), "utf8")).toBe(after)
          if (before.includes("\r\n")) expect(after).not.toMatch(/[^\r]\n/)
        }
      ),
      { numRuns: 150 }
    )
  })

  it("makes git itself ignore secret files, but not their examples", async () => {
    const folder = folderOf({ ".gitignore": "*.log" })
    execFileSync("git", ["init", "--quiet", folder])
    await addIgnoreLines(folder)
    const out = [
      ".env",
      ".env.local",
      ".env.production",
      "api/.env",
      "node_modules/x/y.js",
      "api/node_modules/x",
      ".maxcloud/data"
    ]
    const shared = [".env.example", "api/.env.sample", ".environment", "server.js"]
    const input = [...out, ...shared].join("\n")
    const ignored = execFileSync("git", ["check-ignore", "--stdin"], { cwd: folder, input, encoding: "utf8" })
    expect(ignored.trim().split("\n")).toStrictEqual(out)
  })
})

const schema = JSON.parse(readFileSync(join(import.meta.dirname, "../../../sdk/config.schema.json"), "utf8"))
const isValid = new Ajv({ strict: false }).compile(schema)

describe("writeProject", () => {
  it.each(formats)("writes a starter as %s that loads, and writes nothing the second time", async (format) => {
    const folder = folderOf({ "package.json": packageOf({ scripts: { test: "x" } }) })
    const first = await writeProject(folder, format)
    expect(first.written).toStrictEqual([
      "web/package.json",
      "web/server.js",
      `maxcloud.config.${format}`,
      ".gitignore"
    ])
    const { spec } = await loadConfig({ folder, stage: "dev" })
    expect([spec.app, spec.services.map((service) => service.name)].flat().map(String)).toStrictEqual(["shop", "web"])
    const before = contents(folder)
    const again = await writeProject(folder, undefined)
    expect([again.written, again.kept, again.schemaFor, again.format]).toStrictEqual([
      [],
      `maxcloud.config.${format}`,
      undefined,
      format
    ])
    expect(contents(folder)).toStrictEqual(before)
  })

  it.each(["null", "true", "on", "y"])("writes the name %s into YAML as a text", (name) => {
    const services = [{ name, source: ".", isExample: false }]
    const written = parse(configText("yaml", { app: name, services, schema: "./s.json" }), { version: "1.1" })
    expect([written.app, written.services[0].name]).toStrictEqual([name, name])
  })

  it("names the SDK's schema, which accepts the written config", async () => {
    const folder = folderOf({ "package.json": packageOf(starts), "server.js": "" }, "My API", bare)
    await writeProject(folder, "yaml")
    const yaml = readFileSync(join(folder, "maxcloud.config.yaml"), "utf8")
    expect(yaml).toMatch(/^# yaml-language-server: \$schema=\.\/node_modules\/@maxcloud\/sdk\/config\.schema\.json\n/)
    expect(isValid(parse(yaml)), JSON.stringify(isValid.errors)).toBe(true)
    expect(parse(yaml).services[0].name).toBe("my-api")
    const json = configText("json", {
      app: "shop",
      services: [{ name: "a", source: "./a", isExample: false }],
      schema: "./s.json"
    })
    expect(JSON.parse(json).$schema).toBe("./s.json")
    expect(isValid(JSON.parse(json)), JSON.stringify(isValid.errors)).toBe(true)
    expect(isValid({ app: "shop", services: [{ name: "a", sauce: "./a" }] })).toBe(false)
    const services = [{ name: "a", source: "./a" }]
    expect(isValid({ app: "shop", defaults: { memory: "1Gi", scale: { max: 2 } }, services })).toBe(true)
    expect(isValid({ app: "shop", defaults: { name: "a" }, services })).toBe(false)
  })

  it("names the schema on the web in a project that isn't npm's, whose config is YAML", async () => {
    const folder = folderOf({ "requirements.txt": "flask", "app.py": "" }, "shop", bare)
    expect(await writeProject(folder, undefined)).toMatchObject({
      format: "yaml",
      written: ["maxcloud.config.yaml", ".gitignore"]
    })
    expect(readFileSync(join(folder, "maxcloud.config.yaml"), "utf8")).toMatch(
      /\$schema=https:\/\/unpkg\.com\/@maxcloud\/sdk\//
    )
    expect(String((await loadConfig({ folder })).spec.services[0]?.name)).toBe("shop")
  })

  it("names the schema of an installed SDK, even in a folder above", async () => {
    const folder = folderOf({ "node_modules/@maxcloud/sdk/config.schema.json": "{}", "api/main.py": "" })
    await writeProject(join(folder, "api"), undefined)
    expect(readFileSync(join(folder, "api/maxcloud.config.yaml"), "utf8")).toMatch(
      /\$schema=\.\.\/node_modules\/@maxcloud\/sdk\//
    )
  })

  it("overwrites nothing: a config of any name, sources, a .gitignore", async () => {
    for (const config of ["maxcloud.config.cts", "maxcloud.config.yml", "maxcloud.config.json"]) {
      const files = { [config]: "app: shop", "web/server.js": "mine", ".gitignore": "mine\n" }
      const folder = folderOf(files)
      const { kept, schemaFor, written } = await writeProject(folder, undefined)
      expect([kept, written]).toStrictEqual([config, [".gitignore"]])
      expect(schemaFor === undefined).toBe(config.endsWith(".cts"))
      const after = contents(folder)
      expect(Object.keys(after).toSorted()).toStrictEqual(Object.keys(files).toSorted())
      expect(after[".gitignore"]?.startsWith("mine\n")).toBe(true)
      expect([after[config], after["web/server.js"]]).toStrictEqual(["app: shop", "mine"])
    }
  })

  it("declares services with any name in TypeScript", async () => {
    const names = ["new", "stage", "service", "a-b-2c", "constructor"]
    const folder = folderOf(Object.fromEntries(names.map((name) => [`${name}/package.json`, packageOf(starts)])))
    await writeProject(folder, "ts")
    const { spec } = await loadConfig({ folder })
    expect(spec.services.map((service) => String(service.name))).toStrictEqual(names.toSorted())
    expect(existsSync(join(folder, "web"))).toBe(false)
  })
})
