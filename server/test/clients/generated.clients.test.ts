/** Runs docs/clients.md: generates a client from the server's own document in each language, deploys with it and follows logs. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { defineConfig, service } from "@maxcloud/sdk/config"
import { blocksOf } from "../../../scripts/docs/blocks.ts"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { type Embedded, embedded } from "../../src/assembly/index.ts"

const page = readFileSync(join(import.meta.dirname, "../../../docs/clients.md"), "utf8")

/** Each program deploys an existing source instead of an image, which would need a container engine and a registry. */
interface Language {
  readonly title: string
  readonly files: Readonly<Record<string, string>>
  readonly replaced: (digest: string) => ReadonlyArray<readonly [string, string]>
}

const languages: ReadonlyArray<Language> = [
  {
    title: "TypeScript",
    files: { ts: "deploy.ts" },
    replaced: (digest) => [[`image: "ghcr.io/acme/web:1.4.2"`, `source: { path: "web", digest: "${digest}" }`]]
  },
  {
    title: "Python",
    files: { python: "deploy.py", yaml: "generator.yaml" },
    replaced: (digest) => [
      [`image="ghcr.io/acme/web:1.4.2"`, `source=SourceFolder(path="web", digest="${digest}")`],
      ["DeployRequest, ServiceSpec", "DeployRequest, ServiceSpec, SourceFolder"]
    ]
  },
  {
    title: "Go",
    files: { go: "main.go" },
    replaced: (digest) => [
      [
        `	web := maxcloud.ServiceSpec{Name: "web", Image: pointer("ghcr.io/acme/web:1.4.2")}`,
        `	var source maxcloud.Source
	if err := source.FromSourceFolder(maxcloud.SourceFolder{Path: "web", Digest: pointer("${digest}")}); err != nil {
		log.Fatal(err)
	}
	web := maxcloud.ServiceSpec{Name: "web", Source: &source}`
      ]
    ]
  }
]

/** The code blocks of a language's section. */
const sectionOf = (title: string) => {
  const [, after = ""] = page.split(`\n## ${title}\n`)
  return blocksOf(after.split("\n## ")[0] ?? "")
}

const program = `
import { createServer } from "node:http"
createServer((_, response) => response.end("ok")).listen(process.env.PORT)
for (let n = 1; n <= 7; n++) console.log("line " + n)
let n = 7
setInterval(() => console.log("line " + ++n), 200)
`

/** A server that has the source of `web`; returns its digest. */
const serverWithSource = async (folder: string): Promise<{ readonly cloud: Embedded; readonly digest: string }> => {
  const source = join(folder, "web")
  mkdirSync(source)
  writeFileSync(
    join(source, "package.json"),
    JSON.stringify({ name: "web", type: "module", scripts: { start: "node main.js" } })
  )
  writeFileSync(join(source, "main.js"), program)
  const cloud = await embedded()
  const { number } = await cloud.client.deploy(defineConfig({ app: "seed", services: [service("web", { source })] }))
  const { spec } = await cloud.client.deployments.spec("seed", number)
  const found = /sha256:[0-9a-f]{64}/.exec(JSON.stringify(spec))
  await cloud.client.apps.destroyAndWait("seed")
  return { cloud, digest: found?.[0] ?? expect.unreachable("no source was uploaded") }
}

const run = async (script: string, cwd: string, env: Readonly<Record<string, string>>): Promise<string> => {
  const child = spawn("bash", ["-euo", "pipefail", "-c", script], { cwd, env: { ...process.env, ...env } })
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString()
  })
  const [code] = await once(child, "close")
  expect(code, `${script}\n${output.slice(-8000)}`).toBe(0)
  return output
}

describe("a generated client", () => {
  it.each(languages)(
    "in $title deploys an app and follows its logs without losing or repeating a line",
    async ({ files, replaced, title }) => {
      const folder = temporaryFolder("clients")
      const { cloud, digest } = await serverWithSource(folder)
      try {
        const blocks = sectionOf(title)
        for (const [language, file] of Object.entries(files)) {
          const written = blocks.find((block) => block.language === language)?.text ?? ""
          const text = replaced(digest).reduce((text, [from, to]) => {
            if (language !== "yaml") expect(text).toContain(from)
            return text.replace(from, to)
          }, written)
          writeFileSync(join(folder, file), text)
        }
        const script = blocks.filter(({ language }) => language === "sh").map(({ text }) => text)
        const output = await run(script.join("\n").replaceAll("http://127.0.0.1:8080", cloud.url), folder, {
          MAXCLOUD_API_URL: cloud.url,
          MAXCLOUD_TOKEN: cloud.token ?? expect.unreachable("the server has a token"),
          GOFLAGS: "-mod=mod"
        })
        // The Python generator leaves out what it can't read, and says so.
        expect(output).not.toMatch(/Unable to|WARNING parsing/)
        expect(output).toContain("Deployment 1: succeeded")
        const lines = [...output.matchAll(/^stdout: line (\d+)$/gm)].map(([, n]) => Number(n))
        expect(lines.length).toBeGreaterThan(10)
        expect(lines).toStrictEqual(lines.map((_, n) => n + 1))
        const [deployment] = await cloud.client.deployments.list("shop")
        expect(deployment?.message).toBe(`From ${title}`)
      } finally {
        await cloud.close()
      }
    },
    600_000
  )
})
