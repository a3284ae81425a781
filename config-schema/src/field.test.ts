import { spawn } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { fieldsOf } from "./field.ts"
import { parts } from "./jsonSchema.ts"

const folder = fileURLToPath(new URL(".", import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly result?: { readonly contents?: { readonly value?: string } } | null
}

/** TypeScript's language server on one file that is open in an editor. */
const openInEditor = async (text: string) => {
  const server = spawn(process.execPath, [compiler, "--lsp", "--stdio"], {
    cwd: folder,
    stdio: ["pipe", "pipe", "ignore"]
  })
  const waiting = new Map<number, (answer: Answer) => void>()
  let received = Buffer.alloc(0)
  const write = (message: object) => {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message })
    server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`)
  }
  const take = (answer: Answer) => {
    if (answer.id === undefined) return
    if (answer.method === undefined) waiting.get(answer.id)?.(answer)
    else write({ id: answer.id, result: null })
  }
  server.stdout.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk])
    for (;;) {
      const end = received.indexOf("\r\n\r\n")
      const length = Number(
        received.subarray(0, Math.max(end, 0)).toString().split("Content-Length: ")[1]?.split("\r")[0]
      )
      if (end === -1 || received.length < end + 4 + length) return
      const body = received.subarray(end + 4, end + 4 + length).toString()
      received = received.subarray(end + 4 + length)
      take(JSON.parse(body))
    }
  })
  let id = 0
  const ask = (method: string, params: object) =>
    new Promise<Answer>((resolve) => {
      id += 1
      waiting.set(id, resolve)
      write({ id, method, params })
    })
  const uri = pathToFileURL(join(folder, "hovered.ts")).href
  await ask("initialize", { processId: process.pid, rootUri: pathToFileURL(folder).href, capabilities: {} })
  write({ method: "initialized", params: {} })
  write({
    method: "textDocument/didOpen",
    params: { textDocument: { uri, languageId: "typescript", version: 1, text } }
  })
  return {
    hover: async (word: string) => {
      const before = text.slice(0, text.indexOf(`${word}:`)).split("\n")
      const position = { line: before.length - 1, character: before.at(-1)?.length ?? 0 }
      const { result } = await ask("textDocument/hover", { textDocument: { uri }, position })
      return result?.contents?.value ?? ""
    },
    close: () => server.kill()
  }
}

describe("a field of a config", () => {
  it.each(Object.entries(parts))("is described: %s", (_, part) => {
    for (const field of fieldsOf(part)) {
      assert.match(field.description, /^[A-Z`v].+[.)]$/, field.name)
      assert.notInclude(field.description, "\n", field.name)
    }
  })

  it("is explained by an editor wherever it stands in a config", async () => {
    const editor = await openInEditor(`import { service } from "./authoring.ts"
service("web", { image: "nginx", memory: "1Gi", scale: { idle: "30s" }, probes: { liveness: { path: "/up" } } })
service("api", { source: ".", build: { output: "dist" } })
`)
    try {
      for (const [word, shown] of Object.entries({
        image: "The image to run.",
        source: "The folder whose program to run.",
        memory: "Memory per instance at most.",
        idle: "until an instance is given up, 6s to 1h",
        liveness: "Is restarted when it fails.",
        path: "Path of an HTTP GET",
        output: "The folder that holds the site"
      })) {
        assert.include(await editor.hover(word), shown)
      }
    } finally {
      editor.close()
    }
  }, 60_000)
})
