import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import type { BuildInput } from "./model.ts"
import { nodeShape } from "./node/node.ts"
import { readPackageJson } from "./node/packageJson.ts"
import { planBuild } from "./plan.ts"
import { pythonShape } from "./python/pythonShape.ts"

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-plan-"))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

type Files = Readonly<Record<string, string>>
const write = (files: Files) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}
const planOf = async (files: Files, more: Partial<BuildInput> = {}) => {
  write(files)
  const { name, steps } = await planBuild({ folder, ...more })
  return [name, ...steps]
}
const pkg = (more: object) => JSON.stringify({ dependencies: { a: "1" }, devDependencies: { b: "1" }, ...more })
const built = pkg({ scripts: { build: "tsc" } })
const prod = pkg({})

describe("the plan of a build", () => {
  const cases: ReadonlyArray<readonly [string, Files, Partial<BuildInput>, ReadonlyArray<string>]> = [
    [
      "npm",
      { "package.json": built, "package-lock.json": "{}" },
      {},
      ["Node.js", "install: npm ci (package-lock.json)", "build: npm run build"]
    ],
    [
      "npm without a build",
      { "package.json": prod, "package-lock.json": "{}" },
      {},
      ["Node.js", "install: npm ci --omit=dev (package-lock.json)"]
    ],
    [
      "pnpm",
      { "package.json": built, "pnpm-lock.yaml": "x" },
      {},
      [
        "Node.js",
        "install: pnpm install --frozen-lockfile --ignore-workspace (pnpm-lock.yaml)",
        "build: pnpm run build"
      ]
    ],
    [
      "yarn 1",
      { "package.json": built, "yarn.lock": "# yarn lockfile v1" },
      {},
      ["Node.js", "install: yarn install --frozen-lockfile --production=false (yarn.lock)", "build: yarn run build"]
    ],
    [
      "yarn 4",
      { "package.json": built, "yarn.lock": "__metadata:" },
      {},
      ["Node.js", "install: yarn install --immutable (yarn.lock)", "build: yarn run build"]
    ],
    [
      "bun",
      { "package.json": built, "bun.lock": "{}" },
      {},
      ["Node.js", "install: bun install --frozen-lockfile (bun.lock)", "build: bun run build"]
    ],
    [
      "no lockfile",
      { "package.json": built },
      {},
      ["Node.js", "install: npm install --no-package-lock (no lockfile)", "build: npm run build"]
    ],
    [
      "a custom command",
      { "package.json": built, "bun.lock": "{}" },
      { build: "make it" },
      ["Node.js", "install: bun install --frozen-lockfile (bun.lock)", "build: make it"]
    ],
    [
      "no build wanted",
      { "package.json": built, "package-lock.json": "{}" },
      { build: false },
      ["Node.js", "install: npm ci --omit=dev (package-lock.json)"]
    ],
    [
      "a framework",
      { "package.json": JSON.stringify({ dependencies: { next: "15" }, scripts: { build: "next build" } }) },
      {},
      ["Next.js", "install: npm install --no-package-lock (no lockfile)", "build: npm run build"]
    ],
    [
      "a package of a workspace",
      {
        "package.json": '{"workspaces":["packages/*"]}',
        "package-lock.json": "{}",
        "packages/api/package.json": built
      },
      { package: "packages/api" },
      [
        "Node.js",
        "install: npm ci --workspace=packages/api --include-workspace-root (package-lock.json)",
        "build: npm run build"
      ]
    ],
    [
      "a Dockerfile, whatever is beside it",
      { Dockerfile: "FROM x", "package.json": built, "index.html": "" },
      {},
      ["Dockerfile", "build: an image from Dockerfile"]
    ],
    [
      "a Containerfile of a workspace's package",
      { "package.json": '{"workspaces":["packages/*"]}', "packages/api/Containerfile": "FROM x" },
      { package: "packages/api" },
      ["Dockerfile", "build: an image from Containerfile"]
    ],
    [
      "a custom command beside a Dockerfile",
      { Dockerfile: "FROM x", "package.json": built, "bun.lock": "{}" },
      { build: "make it" },
      ["Node.js", "install: bun install --frozen-lockfile (bun.lock)", "build: make it"]
    ],
    [
      "no build wanted beside a Dockerfile",
      { Dockerfile: "FROM x", "package.json": prod, "package-lock.json": "{}" },
      { build: false },
      ["Node.js", "install: npm ci --omit=dev (package-lock.json)"]
    ],
    ["files", { "index.html": "x" }, {}, ["static site"]],
    [
      "pip",
      { "requirements.txt": "flask", "app.py": "" },
      {},
      ["Python", "install: pip install -r requirements.txt (requirements.txt)"]
    ],
    [
      "uv",
      { "uv.lock": "x", "pyproject.toml": "" },
      {},
      [
        "Python",
        "install: pip install uv (uv.lock)",
        "install: uv sync --frozen --no-dev --no-install-project --python .venv/bin/python (uv.lock)"
      ]
    ],
    [
      "poetry",
      { "poetry.lock": "x" },
      {},
      [
        "Python",
        "install: pip install poetry (poetry.lock)",
        "install: poetry install --only main --no-root (poetry.lock)"
      ]
    ],
    [
      "Django that collects its static files",
      {
        "requirements.txt": "django",
        "manage.py": "",
        "shop/wsgi.py": "",
        "shop/settings/base.py": "X = 1\nSTATIC_ROOT = X"
      },
      {},
      [
        "Python",
        "install: pip install -r requirements.txt (requirements.txt)",
        "build: python manage.py collectstatic --noinput"
      ]
    ],
    [
      "Django without a folder for them",
      { "requirements.txt": "django", "manage.py": "", "shop/wsgi.py": "", "shop/settings.py": "# STATIC_ROOT" },
      {},
      ["Python", "install: pip install -r requirements.txt (requirements.txt)"]
    ],
    [
      "Django that builds nothing",
      { "requirements.txt": "django", "manage.py": "", "shop/wsgi.py": "", "shop/settings.py": "STATIC_ROOT = 1" },
      { build: false },
      ["Python", "install: pip install -r requirements.txt (requirements.txt)"]
    ],
    ["Go", { "go.mod": "module x", "main.go": "package main" }, {}, ["Go", "build: go build"]],
    [
      "a Go module with a package.json only for maxcloud",
      {
        "go.mod": "module x",
        "main.go": "package main",
        "package.json": '{"devDependencies":{"@maxcloud/cli":"1"}}',
        "package-lock.json": "{}"
      },
      {},
      ["Go", "build: go build"]
    ],
    [
      "a Python project with a package.json that builds styles",
      {
        "requirements.txt": "flask",
        "app.py": "",
        "package.json": '{"devDependencies":{"tailwindcss":"1"},"scripts":{"build":"tailwindcss"}}',
        "package-lock.json": "{}"
      },
      {},
      ["Python", "install: pip install -r requirements.txt (requirements.txt)", "build: npm ci", "build: npm run build"]
    ],
    [
      "a Node project with a Python tool beside it",
      { "package.json": pkg({ scripts: { start: "node a.js" } }), "requirements.txt": "x", "package-lock.json": "{}" },
      {},
      ["Node.js", "install: npm ci --omit=dev (package-lock.json)"]
    ],
    [
      "a Vite page with a Python tool beside it",
      {
        "package.json": '{"devDependencies":{"vite":"1"},"scripts":{"build":"vite build"}}',
        "index.html": "",
        "pyproject.toml": "",
        "package-lock.json": "{}"
      },
      {},
      ["Vite", "install: npm ci (package-lock.json)", "build: npm run build"]
    ],
    [
      "Heroku's build script",
      {
        "package.json": pkg({ scripts: { "heroku-postbuild": "x", start: "node a.js" } }),
        "package-lock.json": "{}"
      },
      {},
      ["Node.js", "install: npm ci (package-lock.json)", "build: npm run heroku-postbuild"]
    ],
    [
      "the only program of a Go module, wherever it is",
      { "go.mod": "module x", "a/b/main.go": "package main", "vendor/c/main.go": "package main" },
      {},
      ["Go", "build: go build"]
    ],
    [
      "a program with the module's name",
      {
        "go.mod": "module example.com/x/podinfo/v6",
        "cmd/podcli/a.go": "package main",
        "cmd/podinfo/a.go": "package main"
      },
      {},
      ["Go", "build: go build"]
    ],
    [
      "another language with a custom command",
      { "Cargo.toml": "" },
      { build: "cargo build --release", hasCommand: true },
      ["Node.js", "build: cargo build --release"]
    ],
    ["a site with a Gemfile beside", { "index.html": "", Gemfile: "" }, {}, ["static site"]]
  ]
  it.each(cases)("describes the steps for %s", async (_, files, more, expected) => {
    expect(await planOf(files, more)).toEqual(expected)
  })

  it("names the field to set if nothing can be detected", async () => {
    await expect(
      planOf({ "go.mod": "module x", "cmd/a/a.go": "package main", "cmd/b/b.go": "package main" })
    ).rejects.toThrow('./cmd/a, ./cmd/b. Choose one in the config, such as `build: "go build')
    await expect(planOf({ Pipfile: "" }).then(() => planBuild({ folder }))).rejects.toThrow()
  })
})

describe("a language that can't be built from source", () => {
  it.each([
    ["Cargo.toml", /^Rust \(Cargo.toml\).*`build: "cargo build --release"`/],
    ["pom.xml", /^Java \(pom.xml\).*Add a Dockerfile.*`command: \["java"/],
    ["build.gradle.kts", /^Java \(build.gradle.kts\)/],
    ["composer.json", /^PHP.*`command: \["php"/],
    ["Gemfile", /^Ruby.*"puma", "-p", "\$\(PORT\)"/],
    ["Shop.csproj", /^\.NET \(Shop.csproj\)/],
    ["mix.exs", /^Elixir/]
  ])("is reported with the fields to set: %s", async (file, expected) => {
    await expect(planOf({ [file]: "" })).rejects.toThrow(expected)
  })

  it("is detected beside a package.json that builds its styles, and uses the Procfile's line", async () => {
    const files = {
      "composer.json": "{}",
      "package.json": '{"scripts":{"build":"vite build"},"devDependencies":{"vite":"7"}}',
      Procfile: "web: heroku-php-apache2 public/\n"
    }
    await expect(planOf(files)).rejects.toThrow('`command: ["sh","-c","heroku-php-apache2 public/"]`')
  })
})

const startOf = async (files: Files, how: { readonly output?: string; readonly wasBuilt?: boolean } = {}) => {
  write(files)
  const shape = await nodeShape(folder, await readPackageJson(folder), {
    output: how.output,
    wasBuilt: how.wasBuilt ?? true
  })
  if ("site" in shape) return `site ${shape.site}`
  return "script" in shape.start ? shape.start.script : `${shape.start.file} ${shape.start.args.join(" ")}`
}
const of = (dependency: string, start?: string) =>
  JSON.stringify({
    dependencies: { [dependency]: "1" },
    scripts: { build: "x", ...(start === undefined ? {} : { start }) }
  })

describe("the start command after a build", () => {
  const cases: ReadonlyArray<readonly [string, Files, string]> = [
    ["the start script", { "package.json": of("express", "node x.js"), "index.js": "" }, "node x.js"],
    ["Next.js's own", { "package.json": of("next", "next start"), ".next/BUILD_ID": "x" }, "next start"],
    [
      "Next.js's standalone server",
      { "package.json": of("next", "next start"), ".next/standalone/server.js": "" },
      "node server.js"
    ],
    [
      "Next.js's export",
      {
        "package.json": of("next", "next start"),
        ".next/required-server-files.json": '{"config":{"output":"export"}}',
        "out/index.html": ""
      },
      "site out"
    ],
    ["Nuxt's server", { "package.json": of("nuxt"), ".output/server/index.mjs": "" }, "node .output/server/index.mjs"],
    [
      "SvelteKit's server",
      { "package.json": of("@sveltejs/kit"), "build/handler.js": "", "build/index.js": "" },
      "node build/index.js"
    ],
    [
      "Astro's server",
      { "package.json": of("astro", "astro dev"), "dist/server/entry.mjs": "" },
      "node dist/server/entry.mjs"
    ],
    [
      "Nest's program instead of its development server",
      { "package.json": of("@nestjs/core", "nest start"), "dist/main.js": "" },
      "node dist/main.js"
    ],
    [
      "Vite's site, whatever is beside it",
      { "package.json": of("vite", "vite"), "index.html": "", "main.js": "", "dist/index.html": "" },
      "site dist"
    ],
    [
      "create-react-app's site",
      { "package.json": of("react-scripts", "react-scripts start"), "build/index.html": "" },
      "site build"
    ],
    [
      "a server that a compiler left, not its public folder",
      { "package.json": of("express"), "dist/server.js": "", "public/index.html": "" },
      "node dist/server.js"
    ],
    [
      "a page with its script",
      { "index.html": '<script type="module" src="./main.js"></script>', "main.js": "" },
      "site ."
    ],
    ["a server with a page beside", { "index.html": "<p>", "server.js": "" }, "node server.js"],
    [
      "the start script without the finished build",
      { "package.json": of("fastify", "npm run build && node dist/server.js"), "dist/server.js": "" },
      "node dist/server.js"
    ],
    [
      "Eleventy's site instead of its development server",
      { "package.json": of("@11ty/eleventy", "npx @11ty/eleventy --serve"), "_site/index.html": "" },
      "site _site"
    ],
    [
      "a script for production, without a start",
      { "package.json": JSON.stringify({ scripts: { serve: "node dist/x.js" } }), "index.js": "" },
      "node dist/x.js"
    ],
    ["a Procfile's program", { "package.json": of("a"), Procfile: "web: node backend/x.js" }, "node backend/x.js"],
    ["app.js", { "app.js": "" }, "node app.js"],
    [
      "the file that the dev script runs",
      { "package.json": JSON.stringify({ scripts: { dev: "nodemon -L src/start.js" } }), "src/start.js": "" },
      "node src/start.js"
    ],
    ["src/index.js", { "package.json": of("express"), "src/index.js": "" }, "node src/index.js"]
  ]
  it.each(cases)("is %s", async (_, files, expected) => {
    expect(await startOf(files)).toBe(expected)
  })

  it("follows `output`", async () => {
    expect(await startOf({ "package.json": of("a", "vite"), "www/index.html": "" }, { output: "www" })).toBe("site www")
    expect(await startOf({ "server/index.js": "" }, { output: "server" })).toBe("node server/index.js")
  })

  it("refuses files that become commands if they aren't UTF-8, and ignores a byte order mark", async () => {
    const latin1 = Buffer.from('web: node p\u00e4.js\n{"scripts":{}}', "latin1")
    const refusals = {
      "package.json": "The package.json of the source isn't UTF-8 in line 1. Convert it: iconv -f latin1",
      Procfile: "The Procfile of the source isn't UTF-8 in line 1."
    }
    for (const [name, message] of Object.entries(refusals)) {
      writeFileSync(join(folder, name), latin1)
      await expect(startOf({ "index.js": "" }), name).rejects.toThrow(message)
      rmSync(join(folder, name))
    }
    expect(await startOf({ "package.json": "\ufeff{}", Procfile: "\ufeffweb: node x.js\n" })).toBe("node x.js")
  })

  it("names the field to set if there is nothing", async () => {
    await expect(startOf({ "package.json": of("a"), "src/x.ts": "" })).rejects.toThrow(
      /Set `command:.*`build: \{.*or `image` instead.*Dockerfile/s
    )
    await expect(startOf({ "package.json": of("@sveltejs/kit") })).rejects.toThrow("adapter-node")
  })
})

describe("the start command of a Python project", () => {
  const cases: ReadonlyArray<readonly [string, Files, ReadonlyArray<string>, string]> = [
    [
      "FastAPI",
      { "app/main.py": "from fastapi import FastAPI\napi: FastAPI = FastAPI()\n" },
      ["uvicorn"],
      "-m uvicorn app.main:api --host 0.0.0.0"
    ],
    ["Flask", { "app.py": "app = Flask(__name__)\n" }, ["gunicorn"], "-m gunicorn 'app:app' --bind 0.0.0.0"],
    ["a Flask factory", { "app.py": "def create_app():\n" }, ["gunicorn"], "-m gunicorn 'app:create_app()'"],
    [
      "a package with the project's name, as in Flask's tutorial",
      { "pyproject.toml": "", "flaskr/__init__.py": "def create_app(test_config=None):\n", "tests/__init__.py": "" },
      [],
      "-m flask --app 'flaskr:create_app()' run"
    ],
    [
      "FastAPI in a package below src",
      { "src/shop/__init__.py": "", "src/shop/main.py": "app = FastAPI()\n" },
      ["uvicorn"],
      "-m uvicorn shop.main:app"
    ],
    ["Flask without a server", { "app.py": "app = flask.Flask(__name__)\n" }, [], "-m flask --app 'app:app' run"],
    ["Django", { "manage.py": "", "shop/wsgi.py": "" }, ["gunicorn"], "-m gunicorn shop.wsgi"],
    ["a Procfile", { Procfile: "release: x\nweb: gunicorn a:b\n", "main.py": "" }, [], "gunicorn a:b"]
  ]
  it.each(cases)("is found for %s", async (_, files, packages, expected) => {
    write(files)
    for (const name of packages)
      mkdirSync(join(folder, ".venv/lib/python3.11/site-packages", name), { recursive: true })
    const { start } = await pythonShape(folder)
    expect("script" in start ? start.script : "").toContain(expected)
  })

  it("needs a server for FastAPI, and says so", async () => {
    write({ "main.py": "app = FastAPI()\n" })
    await expect(pythonShape(folder)).rejects.toThrow("Add `uvicorn`")
    write({ "main.py": "" })
    expect((await pythonShape(folder)).start).toEqual({ file: "python3", args: ["main.py"] })
  })
})
