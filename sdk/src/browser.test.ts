import { join } from "node:path"
import { createContext, runInContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import { build } from "esbuild"

const bundled = async (entry: string): Promise<string> => {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, entry)],
    bundle: true,
    platform: "browser",
    format: "iife",
    globalName: "sdk",
    write: false,
    logLevel: "silent"
  })
  return outputFiles[0]?.text ?? ""
}

/** Globals of browsers besides those of the language. */
const { AbortController, AbortSignal, FormData, Headers, Response, TextDecoder, TextEncoder } = globalThis
const ofBrowsers = {
  ...{ AbortController, AbortSignal, FormData, Headers, Response, TextDecoder, TextEncoder, URL, URLSearchParams },
  ...{ clearTimeout, performance, queueMicrotask, setTimeout }
}

describe("for browsers", () => {
  // esbuild fails on an import of `node:`.
  it.each(["api/index.ts", "config.ts"])("%s can be bundled without Node modules", async (entry) => {
    expect((await bundled(entry)).length).toBeGreaterThan(1_000)
  })

  it("the client works without Node's modules and globals", async () => {
    const asked: Array<string> = []
    const fetch: typeof globalThis.fetch = async (url, init) => {
      asked.push(`${String(url)} ${new Headers(init?.headers).get("authorization")}`)
      return Response.json({
        version: "1",
        minimumClient: "1",
        features: [],
        runtime: "local",
        organization: "acme",
        inPlace: false
      })
    }
    const context = createContext({ ...ofBrowsers, fetch })
    runInContext(await bundled("browser.ts"), context)
    const program = `sdk.createClient({ apiUrl: "https://cloud.example.com", token: "t" }).info().then(JSON.stringify)`
    const info: unknown = await runInContext(program, context)
    expect(info).toBe(
      '{"version":"1","minimumClient":"1","features":[],"runtime":"local","organization":"acme","organizationId":null,"inPlace":false,"registry":null,"platforms":[],"secretStore":null}'
    )
    expect(asked).toStrictEqual(["https://cloud.example.com/api/v1/info Bearer t"])
  })
})
