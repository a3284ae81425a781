import { spawnSync } from "node:child_process"
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"

/** A project as people start it, with the packages of its registry. */
export interface Starter {
  readonly name: string
  /** Creates the project in the folder, including its lockfile. */
  readonly make: (folder: string) => void
  /** The text of its page. */
  readonly text: string
  /** Is it built from an image of Node? @default no */
  readonly needsNodeImage?: boolean
}

type Files = Readonly<Record<string, string>>

const write = (folder: string, files: Files): void => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
}

const run = (folder: string, file: string, ...args: ReadonlyArray<string>): void => {
  mkdirSync(folder, { recursive: true })
  const { output, status } = spawnSync(file, args, { cwd: folder, encoding: "utf8", timeout: 300_000 })
  if (status !== 0) throw new Error(`${file} ${args.join(" ")}: ${output?.join("")}`)
}

const edit = (file: string, change: (text: string) => string): void =>
  writeFileSync(file, change(readFileSync(file, "utf8")))

const npmLock = (folder: string): void => {
  // npm's own `--package-lock-only` leaves out packages for other systems, which `npm ci` then misses.
  run(folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts")
  rmSync(join(folder, "node_modules"), { recursive: true })
}

type Json = Readonly<Record<string, unknown>>

const node = (name: string, packageJson: Json, files: Files, text: string, lock = npmLock): Starter => ({
  name,
  text,
  make: (folder) => {
    write(folder, {
      "package.json": JSON.stringify({ name: "app", private: true, type: "module", ...packageJson }),
      ...files
    })
    lock(folder)
  }
})

const hono = `import { serve } from "@hono/node-server"
import { Hono } from "hono"
const app = new Hono()
app.get("/", (c) => c.text("hello hono"))
serve({ fetch: app.fetch, port: Number(process.env.PORT) })
`
const honoPackages = { dependencies: { hono: "^4.6.0", "@hono/node-server": "^1.13.0" } }
const tsconfig = JSON.stringify({
  compilerOptions: {
    module: "NodeNext",
    target: "ES2022",
    outDir: "dist",
    rootDir: "src",
    strict: true,
    skipLibCheck: true
  },
  include: ["src"]
})
const honoTsc: Json = {
  ...honoPackages,
  devDependencies: { typescript: "^5.7.0", "@types/node": "^22.0.0" },
  scripts: { build: "tsc", start: "node dist/index.js" }
}
const honoSource = { "src/index.ts": hono, "tsconfig.json": tsconfig }

const python = (name: string, files: Files, text: string, lock?: (folder: string) => void): Starter => ({
  name,
  text,
  make: (folder) => {
    write(folder, files)
    lock?.(folder)
  }
})

const tool = (folder: string, name: string, ...args: ReadonlyArray<string>): void => {
  const tools = join(folder, ".tools")
  run(folder, "python3", "-m", "venv", tools)
  run(folder, join(tools, "bin/pip"), "install", "-q", name)
  run(folder, join(tools, "bin", name), ...args)
  rmSync(tools, { recursive: true })
}

const fastapi = `from fastapi import FastAPI

app = FastAPI()

@app.get("/")
def root():
    return {"text": "hello fastapi"}
`

/** Both are quick, and are tested with everything else. */
export const quickStarters: ReadonlyArray<Starter> = [
  node("Hono, TypeScript by tsc", honoTsc, honoSource, "hello hono"),
  python(
    "FastAPI, pip",
    { "main.py": fastapi, "requirements.txt": "fastapi==0.115.6\nuvicorn==0.34.0\n" },
    "hello fastapi"
  )
]

export const starters: ReadonlyArray<Starter> = [
  node(
    "Express",
    { dependencies: { express: "^5.0.0" }, scripts: { start: "node index.js" } },
    {
      "index.js": `import express from "express"\nexpress().get("/", (_, r) => r.send("hello express")).listen(process.env.PORT)\n`
    },
    "hello express"
  ),
  node(
    "Fastify",
    { dependencies: { fastify: "^5.0.0" } },
    {
      "server.js": `import Fastify from "fastify"\nconst app = Fastify()\napp.get("/", () => "hello fastify")\napp.listen({ port: Number(process.env.PORT) })\n`
    },
    "hello fastify"
  ),
  node("Hono, JavaScript", honoPackages, { "index.js": hono }, "hello hono"),
  node("Hono, TypeScript as it is", honoPackages, { "index.ts": hono }, "hello hono"),
  ...quickStarters.slice(0, 1),
  node("Hono, pnpm", honoTsc, honoSource, "hello hono", (folder) =>
    run(folder, "npx", "--yes", "pnpm@10", "install", "--lockfile-only")
  ),
  node("Hono, yarn 1", honoTsc, honoSource, "hello hono", (folder) => {
    run(folder, "npx", "--yes", "yarn@1", "install", "--ignore-scripts", "--non-interactive")
    rmSync(join(folder, "node_modules"), { recursive: true })
  }),
  node("Hono, yarn 4", honoTsc, { ...honoSource, "yarn.lock": "" }, "hello hono", (folder) =>
    run(folder, "npx", "--yes", "--package", "@yarnpkg/cli-dist@4", "--", "yarn", "install", "--mode=update-lockfile")
  ),
  node("Hono, bun", honoTsc, honoSource, "hello hono", (folder) =>
    run(folder, "npx", "--yes", "bun@1", "install", "--lockfile-only")
  ),
  {
    name: "NestJS (nest new)",
    text: "Hello World!",
    make: (folder) => {
      run(
        dirname(folder),
        "npx",
        "--yes",
        "@nestjs/cli@11",
        "new",
        "nest",
        "--directory",
        folder.slice(folder.lastIndexOf("/") + 1),
        "--skip-install",
        "--skip-git",
        "--package-manager",
        "npm"
      )
      npmLock(folder)
    }
  },
  ...[false, true].map(
    (standalone): Starter => ({
      name: `Next.js (create-next-app${standalone ? ", standalone" : ""})`,
      text: "Create Next App",
      make: (folder) => {
        const answers = [
          "--yes",
          "--ts",
          "--skip-install",
          "--use-npm",
          "--no-tailwind",
          "--no-eslint",
          "--app",
          "--disable-git"
        ]
        run(dirname(folder), "npx", "--yes", "create-next-app@latest", folder, ...answers)
        // The template loads its fonts from Google at build time, which fails without that network.
        edit(join(folder, "app/layout.tsx"), (text) =>
          text
            .replace(/import \{ Geist.*\n/, "")
            .replace(/const geist\w+ = Geist\w*\(\{[^}]*\}\);\n/g, "")
            .replace(/className=\{`\$\{geist[^\n]*?`\}/, 'className=""')
        )
        if (standalone) write(folder, { "next.config.ts": 'export default { output: "standalone" }\n' })
        npmLock(folder)
      }
    })
  ),
  node(
    "Nuxt",
    { dependencies: { nuxt: "4.1.3", vue: "^3.5.0" }, overrides: { vite: "^7.0.0" }, scripts: { build: "nuxt build" } },
    {
      "app/app.vue": "<template><h1>hello nuxt</h1></template>\n",
      "nuxt.config.ts": "export default defineNuxtConfig({})\n"
    },
    "hello nuxt"
  ),
  {
    name: "SvelteKit (sv create, adapter-node)",
    text: "Welcome to SvelteKit",
    make: (folder) => {
      run(
        dirname(folder),
        "npx",
        "--yes",
        "sv@latest",
        "create",
        folder,
        "--template",
        "minimal",
        "--types",
        "ts",
        "--no-add-ons",
        "--no-install"
      )
      edit(join(folder, "package.json"), (text) =>
        text
          .replace(/"@sveltejs\/adapter-auto": "[^"]*"/, '"@sveltejs/adapter-node": "^5.0.0"')
          .replace(/"vite": "[^"]*"/, '"vite": "^7.0.0"')
          .replace(/"@sveltejs\/vite-plugin-svelte": "[^"]*"/, '"@sveltejs/vite-plugin-svelte": "^6.0.0"')
      )
      // Newer templates have the adapter in vite.config.ts.
      for (const file of ["svelte.config.js", "vite.config.ts"])
        if (existsSync(join(folder, file)))
          edit(join(folder, file), (text) => text.replace("@sveltejs/adapter-auto", "@sveltejs/adapter-node"))
      npmLock(folder)
    }
  },
  node(
    "Astro, server",
    {
      dependencies: { astro: "^5.0.0", "@astrojs/node": "^9.0.0" },
      scripts: { build: "astro build", preview: "astro preview" }
    },
    {
      "astro.config.mjs": `import node from "@astrojs/node"\nexport default { output: "server", adapter: node({ mode: "standalone" }) }\n`,
      "src/pages/index.astro": "---\nconst text = 'hello astro'\n---\n<h1>{text}</h1>\n"
    },
    "hello astro"
  ),
  node(
    "React Router",
    {
      dependencies: {
        "@react-router/node": "7.9.6",
        "@react-router/serve": "7.9.6",
        "react-router": "7.9.6",
        react: "^19.0.0",
        "react-dom": "^19.0.0",
        isbot: "^5.0.0"
      },
      devDependencies: { "@react-router/dev": "7.9.6", vite: "^7.0.0" },
      scripts: {
        build: "react-router build",
        dev: "react-router dev",
        start: "react-router-serve ./build/server/index.js"
      }
    },
    {
      "vite.config.js": `import { reactRouter } from "@react-router/dev/vite"\nexport default { plugins: [reactRouter()] }\n`,
      "app/root.jsx": `import { Outlet, Scripts } from "react-router"\nexport default () => <html lang="en"><body><Outlet /><Scripts /></body></html>\n`,
      "app/routes.js": `import { index } from "@react-router/dev/routes"\nexport default [index("home.jsx")]\n`,
      "app/home.jsx": "export default () => <h1>hello react router</h1>\n"
    },
    "hello react router"
  ),
  {
    name: "Vite, React (create-vite)",
    text: '<div id="root">',
    make: (folder) => {
      run(
        dirname(folder),
        "npx",
        "--yes",
        "create-vite@7",
        folder.slice(folder.lastIndexOf("/") + 1),
        "--template",
        "react-ts",
        "--no-interactive"
      )
      npmLock(folder)
    }
  },
  {
    ...node(
      "Dockerfile (Express)",
      { dependencies: { express: "^5.0.0" } },
      {
        "index.js": `import express from "express"\nexpress().get("/", (_, r) => r.send("hello dockerfile")).listen(3000)\n`,
        ".dockerignore": "Dockerfile\nnode_modules\n",
        Dockerfile: `FROM node:24\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev --no-audit --no-fund\nCOPY . .\nEXPOSE 3000\nCMD ["node", "index.js"]\n`
      },
      "hello dockerfile"
    ),
    needsNodeImage: true
  },
  {
    name: "Static files",
    text: "hello site",
    make: (folder) => write(folder, { "index.html": "<h1>hello site</h1>" })
  },
  ...quickStarters.slice(1),
  python(
    "FastAPI, uv",
    {
      "main.py": fastapi,
      "pyproject.toml": `[project]\nname = "app"\nversion = "0.1.0"\nrequires-python = ">=3.10"\ndependencies = ["fastapi>=0.115", "uvicorn>=0.34"]\n`
    },
    "hello fastapi",
    (folder) => tool(folder, "uv", "lock")
  ),
  python(
    "Flask, poetry",
    {
      "app.py": `from flask import Flask\n\napp = Flask(__name__)\n\n@app.route("/")\ndef root():\n    return "hello flask"\n`,
      "pyproject.toml": `[tool.poetry]\nname = "app"\nversion = "0.1.0"\ndescription = ""\nauthors = []\n[tool.poetry.dependencies]\npython = ">=3.10,<4.0"\nflask = "*"\nwaitress = "*"\n[[tool.poetry.source]]\nname = "simple"\nurl = "https://pypi.org/simple/"\npriority = "primary"\n`
    },
    "hello flask",
    (folder) => tool(folder, "poetry", "lock")
  ),
  python(
    "Django",
    {
      "requirements.txt": "django==5.1.4\ngunicorn==23.0.0\n",
      "manage.py": `import os, sys\nfrom django.core.management import execute_from_command_line\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\nexecute_from_command_line(sys.argv)\n`,
      "site1/__init__.py": "",
      "site1/settings.py": `from pathlib import Path\nSECRET_KEY = "for a test"\nINSTALLED_APPS = ["django.contrib.staticfiles", "site1"]\nSTATIC_URL = "static/"\nSTATIC_ROOT = Path(__file__).parent.parent / "static"\nALLOWED_HOSTS = ["*"]\nROOT_URLCONF = "site1.urls"\nWSGI_APPLICATION = "site1.wsgi.application"\n`,
      "site1/urls.py": `from django.conf import settings\nfrom django.http import HttpResponse\nfrom django.urls import path\n\nurlpatterns = [path("", lambda request: HttpResponse((settings.STATIC_ROOT / "hello.txt").read_text()))]\n`,
      "site1/static/hello.txt": "hello django",
      "site1/wsgi.py": `import os\nfrom django.core.wsgi import get_wsgi_application\nos.environ.setdefault("DJANGO_SETTINGS_MODULE", "site1.settings")\napplication = get_wsgi_application()\n`
    },
    "hello django"
  ),
  python(
    "Go",
    {
      "go.mod": "module example.com/hello\n\ngo 1.20\n",
      "main.go": `package main\n\nimport (\n\t"fmt"\n\t"net/http"\n\t"os"\n)\n\nfunc main() {\n\thttp.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello go") })\n\thttp.ListenAndServe(":"+os.Getenv("PORT"), nil)\n}\n`
    },
    "hello go"
  ),
  {
    name: "Hono, Deno",
    text: "hello deno",
    make: (folder) => {
      write(folder, {
        "deno.json": JSON.stringify({ imports: { hono: "npm:hono@^4.6.0" } }),
        "main.ts": `import { Hono } from "hono"\nconst app = new Hono()\napp.get("/", (c) => c.text("hello deno"))\nDeno.serve(app.fetch)\n`
      })
      run(folder, "npx", "--yes", "--package", "deno@2", "--", "deno", "install")
    }
  }
]
