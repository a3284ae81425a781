import { spawn, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { describe, expect, it } from "@effect/vitest"
import { AppSpec } from "./appSpec.ts"
import { defaultOf, type Field, fieldsOf, unitOf } from "./field.ts"
import { parts } from "./jsonSchema.ts"
import { Probe, Probes } from "./probes.ts"
import { Scale } from "./scale.ts"
import { ServiceSpec } from "./service.ts"

const folder = fileURLToPath(new URL(".", import.meta.url))
const compiler = join(dirname(createRequire(import.meta.url).resolve("typescript/package.json")), "bin/tsc")

interface Answer {
  readonly id?: number
  readonly method?: string
  readonly result?: { readonly contents?: { readonly value?: string } } | null
}

/** TypeScript's language server, with one file open. */
const openInEditor = async (text: string, folder: string) => {
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
    hover: async (position: { readonly line: number; readonly character: number }) => {
      const { result } = await ask("textDocument/hover", { textDocument: { uri }, position })
      return result?.contents?.value ?? ""
    },
    close: () => server.kill()
  }
}

/** A config with every field, and the position of each. */
const everyField = () => {
  const lines = [`import { defineConfig, service } from "./authoring.js"`]
  const places: Array<{
    readonly field: Field
    readonly position: { readonly line: number; readonly character: number }
  }> = []
  const given: Readonly<Record<string, string>> = { image: '"nginx",', source: '".",', app: '"shop",', services: "[]," }
  const inner: Readonly<Record<string, () => void>> = {
    scale: () => fieldsOf(Scale).forEach(write),
    probes: () => fieldsOf(Probes).forEach(write),
    startup: () => fieldsOf(Probe).forEach(write)
  }
  function write(field: Field) {
    places.push({ field, position: { line: lines.length, character: 2 } })
    const inside = inner[field.name]
    lines.push(`  ${field.name}: ${inside === undefined ? (given[field.name] ?? `JSON.parse("null"),`) : "{"}`)
    if (inside === undefined) return
    inside()
    lines.push("  },")
  }
  const ofSource = new Set(["source", "build"])
  const fields = fieldsOf(ServiceSpec).filter(({ name }) => name !== "name")
  lines.push(`service("web", {`)
  fields.filter(({ name }) => !ofSource.has(name)).forEach(write)
  lines.push("})", `service("api", {`)
  fields.filter(({ name }) => ofSource.has(name)).forEach(write)
  lines.push("})", "defineConfig({")
  fieldsOf(AppSpec).forEach(write)
  lines.push("})")
  return { lines, places }
}

describe("a field of a config", () => {
  it.each(Object.entries(parts))("is described: %s", (_, part) => {
    for (const field of fieldsOf(part)) {
      expect(field.description, field.name).toMatch(/^[A-Z`v].+[.)]$/)
      expect(field.description, field.name).not.toContain("\n")
    }
  })

  it("is explained by editors with its text, default and unit, from the published declarations", async () => {
    const types = mkdtempSync(join(folder, "../node_modules/.types-"))
    const emit = [
      "--ignoreConfig",
      "--declaration",
      "--emitDeclarationOnly",
      "--noCheck",
      "--rewriteRelativeImportExtensions"
    ]
    const target = ["--module", "nodenext", "--target", "es2024", "--types", "node", "--strict", "--rootDir", folder]
    mkdirSync(types, { recursive: true })
    const { stdout } = spawnSync(
      process.execPath,
      [compiler, join(folder, "authoring.ts"), ...emit, ...target, "--outDir", types],
      { encoding: "utf8" }
    )
    const { lines, places } = everyField()
    const editor = await openInEditor(lines.join("\n"), types)
    try {
      for (const { field, position } of places) {
        const shown = await editor.hover(position)
        const where = `${field.name}, ${lines[position.line]}\n${stdout}`
        expect(shown, where).toContain(field.description)
        if (!field.isRequired) expect(shown, where).toContain(defaultOf(field))
        expect(shown, where).toContain(unitOf(field) ?? "")
      }
      expect(places.length).toBeGreaterThan(30)
    } finally {
      editor.close()
      rmSync(types, { recursive: true })
    }
  }, 90_000)
})
