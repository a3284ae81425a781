import { execFile } from "node:child_process"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { beforeAll, describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { makeBaseLayout } from "../../server/test/images/baseLayout.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { run } from "./cli.ts"

const missing = missingTools("images from sources", "podman", "skopeo", "busybox")
const tool = async (file: string, ...args: ReadonlyArray<string>) => (await promisify(execFile)(file, [...args])).stdout

const page = (name: string) => `<!doctype html><title>${name}</title><script type="module" src="/src/main.js"></script>`
const listen = "{ port: Number(process.env.PORT), host: '0.0.0.0' }"

interface App {
  readonly files: Readonly<Record<string, string>>
  readonly answer: RegExp
  /** The framework's own build gives different files each time. */
  readonly differs?: true
}

/** Real apps, each of which answers with its name and its user. */
const apps: Readonly<Record<string, App>> = {
  express: {
    answer: /^express 65532$/,
    files: {
      "package.json":
        '{"name":"a","version":"1.0.0","scripts":{"start":"node a.js"},"dependencies":{"express":"5.1.0"}}',
      "a.js": `require("express")().get("/", (_, to) => to.send("express " + process.getuid())).listen(process.env.PORT)`
    }
  },
  fastify: {
    answer: /^fastify 65532$/,
    files: {
      "package.json":
        '{"type":"module","scripts":{"start":"NODE_OPTIONS=--no-warnings node a.js"},"dependencies":{"fastify":"5.6.0"}}',
      "a.js": `import fastify from "fastify"
await fastify().get("/", async () => \`fastify \${process.getuid()}\`).listen(${listen})`
    }
  },
  vite: {
    answer: /<title>vite<\/title>/,
    files: {
      "package.json": '{"type":"module","scripts":{"build":"vite build"},"devDependencies":{"vite":"7.1.0"}}',
      "index.html": page("vite"),
      "src/main.js": "console.log('vite')"
    }
  },
  next: {
    // It makes random keys for previews and server actions.
    differs: true,
    answer: /next\s*(?:<!-- -->\s*)+65532/,
    files: {
      "package.json": `{"scripts":{"build":"next build","start":"next start"},"dependencies":{"next":"16.0.0","react":"19.2.0","react-dom":"19.2.0"}}`,
      "next.config.mjs": 'export default { output: "standalone" }',
      "app/layout.jsx": "export default ({ children }) => <html><body>{children}</body></html>",
      "app/page.jsx":
        'export const dynamic = "force-dynamic"\nexport default () => <p>next {" "}{String(process.getuid())}</p>'
    }
  },
  fastapi: {
    answer: /^"fastapi 65532"$/,
    files: {
      "requirements.txt": "fastapi==0.115.0\nuvicorn==0.30.6\n",
      "main.py": `import os
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
def root():
    return f"fastapi {os.getuid()}"
`
    }
  },
  go: {
    answer: /^go 65532$/,
    files: {
      "go.mod": "module example.com/hello\n\ngo 1.19\n",
      "main.go": `package main
import ("fmt"; "net/http"; "os")
func main() {
  http.HandleFunc("/", func(to http.ResponseWriter, _ *http.Request) { fmt.Fprintf(to, "go %d", os.Getuid()) })
  http.ListenAndServe(":"+os.Getenv("PORT"), nil)
}
`
    }
  }
}

describe.skipIf(missing.length > 0)("images of real apps", { timeout: 600_000 }, () => {
  let base: string
  const work = temporaryFolder("build-images-")
  chmodSync(work, 0o711)

  const build = async (app: string, output: string) => {
    const folder = join(work, output, "source")
    for (const [path, content] of Object.entries(apps[app]?.files ?? {})) {
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
    // Each build installs its dependencies itself.
    const env = { XDG_CACHE_HOME: join(work, output, "cache") }
    mkdirSync(env.XDG_CACHE_HOME, { mode: 0o711, recursive: true })
    const args = [
      "build",
      folder,
      "--base",
      `oci:${base}`,
      "--output",
      `oci:${join(work, output, "image")}:v1`,
      "--json"
    ]
    const { code, stderr, stdout } = await run(args, { env })
    expect(code, stderr).toBe(0)
    return { image: JSON.parse(stdout), at: `oci:${join(work, output, "image")}:v1` }
  }

  /** What the image answers on `PORT`, as the user of the image, in a container that nobody can write to. */
  const answerOf = async (at: string, name: string) => {
    const tag = `localhost/maxcloud-build-${name}:${process.pid}`
    await tool("skopeo", "copy", "--quiet", at, `containers-storage:${tag}`)
    const id = (await tool("podman", "run", "--detach", "--read-only", "--publish", "127.0.0.1::8080", tag)).trim()
    try {
      const { Ports } = JSON.parse(
        await tool("podman", "inspect", "--format", '{"Ports":{{json .NetworkSettings.Ports}}}', id)
      )
      const url = `http://127.0.0.1:${Ports["8080/tcp"][0].HostPort}/`
      const deadline = performance.now() + 60_000
      for (;;) {
        const text = await fetch(url)
          .then((response) => response.text())
          .catch(() => undefined)
        if (text !== undefined) return text
        const state = (await tool("podman", "inspect", "--format", "{{.State.Status}}", id)).trim()
        if (state === "exited" || performance.now() > deadline) return `${state}: ${await tool("podman", "logs", id)}`
      }
    } finally {
      await tool("podman", "rm", "--force", "--time", "0", id)
      await tool("podman", "rmi", "--force", tag)
    }
  }

  beforeAll(async () => {
    base = await makeBaseLayout({ node: true, python: true })
  }, 120_000)

  it.each(Object.entries(apps))(
    "of %s run, and have the same digest from another folder",
    async (name, { answer, differs }) => {
      const { at, image } = await build(name, `${name}-1`)
      expect(await answerOf(at, name)).toMatch(answer)
      if (differs !== true) expect((await build(name, `${name}-2`)).image.digest).toBe(image.digest)
      const inspected = JSON.parse(await tool("skopeo", "inspect", at))
      expect(inspected.Digest).toBe(image.digest)
      expect(inspected.Env).toContain("PORT=8080")
    }
  )
})
