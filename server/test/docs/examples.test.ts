import { execFile } from "node:child_process"
import { globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "../../src/assembly/index.ts"

const here = import.meta.dirname
const page = (name: string) => readFileSync(join(here, "../../..", name), "utf8")
const run = promisify(execFile)

/** A page's TypeScript blocks that import and use something of ours: those are complete programs. */
const programsOf = (text: string) =>
  [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)]
    .map((match) => match[1] ?? "")
    .filter((match) => /^import .*"@maxcloud\//m.test(match) && !match.includes('"@/'))
const pages = globSync("docs/*.md", { cwd: join(here, "../../..") }).filter((file) => programsOf(page(file)).length > 0)

const web = `
const { createServer } = require("node:http")
createServer(async (request, response) => {
  if (request.url === "/checkout") {
    const invoice = await fetch(process.env.BILLING_URL + "/invoices", { method: "POST", body: JSON.stringify({ total: 5 }) })
    return response.end(await invoice.text())
  }
  if (request.method === "POST") return request.pipe(response)
  response.end(process.env.GREETING + ", " + new URL(request.url, "http://host").searchParams.get("name"))
}).listen(process.env.PORT)
`

describe("the programs in the documentation", () => {
  // Programs with several files have a folder each.
  const examples = globSync(["*.example.ts", "*/*.ts"], { cwd: here })
  const others = globSync("examples/testing/*.ts", { cwd: join(here, "../../..") }).map(page)

  it.each(pages)("of %s are the ones that this test type-checks and runs", (name) => {
    const known = [...others, ...examples.map((example) => readFileSync(join(here, example), "utf8"))]
    for (const program of programsOf(page(name))) expect(known).toContain(program)
  })

  it.each(examples)("%s is in a page", (example) => {
    const shown = pages.flatMap((value) => programsOf(page(value)))
    expect(shown).toContain(readFileSync(join(here, example), "utf8"))
  })
})

describe("each program runs as written", () => {
  let folder = ""
  let cloud: Embedded
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "maxcloud-docs-"))
    mkdirSync(join(folder, "web"))
    writeFileSync(join(folder, "web/package.json"), JSON.stringify({ scripts: { start: "node server.js" } }))
    writeFileSync(join(folder, "web/server.js"), web)
    writeFileSync(
      join(folder, "maxcloud.config.yaml"),
      "app: shop\nservices:\n  - name: web\n    source: { path: ./web }\n    env: { GREETING: Hello }\n"
    )
    cloud = await embedded()
  })
  afterAll(async () => {
    await cloud?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const outputOf = async (example: string, ...flags: ReadonlyArray<string>) => {
    const { stdout } = await run(process.execPath, [...flags, join(here, example)], {
      cwd: folder,
      env: { ...process.env, MAXCLOUD_API_URL: cloud.url, MAXCLOUD_API_KEY: cloud.token, NODE_TEST_CONTEXT: undefined },
      timeout: 50_000
    })
    return stdout
  }

  it("the client as promises", async () => {
    const printed = await outputOf("client.example.ts")
    expect(printed).toMatch(/accepted[\s\S]*finished/)
    expect(printed).toMatch(/service: 'web'/)
  })
  it("the client as Effects", async () => {
    expect(await outputOf("effectDeploy.example.ts")).toMatch(
      /accepted[\s\S]*finished[\s\S]*web ready http:\/\/web--shop--local\./
    )
  })
  it("refuses to fetch anything but a path of a public service", async () => {
    const failure = (path: string, service = "web") =>
      cloud.fetch(service, path).then(
        () => expect.unreachable("it didn't fail"),
        (error: Error) => error
      )
    await cloud.client.deploy({
      app: "hidden",
      services: [{ name: "inner", source: { path: join(folder, "web") }, visibility: "internal" }]
    })
    expect((await failure("/", "inner")).message).toMatch(/"inner" is internal and has no URL/)
    expect((await failure("/", "nothing")).message).toMatch(/there is no service "nothing"/)
    for (const path of ["http://127.0.0.1/", "//127.0.0.1/", "greet"]) {
      expect((await failure(path)).message).toMatch(/isn't a path of the service "web"/)
    }
  })
  it("errors by tag", async () => {
    expect(await outputOf("effectErrors.example.ts")).toMatch(/'not deployed',\s*[`']not a service name: .*"No Name"/)
  })
  it("the client through a proxy, if there is one", async () => {
    expect(await outputOf("proxy.example.ts")).toBe("local\n")
  })
  it("a layer for tests", async () => {
    expect(await outputOf("effectTest.example.ts")).toMatch(/^local on local: 0 services$/m)
  })
  it("a client that answers a call without a server", async () => {
    expect(await outputOf("effectFake.example.ts")).toBe("0\n")
  })
  it("a test of a service that calls an image's stand-in", async () => {
    expect(await outputOf("standIns.example.ts", "--test")).toMatch(/pass 2\n[\s\S]*fail 0\n/)
  })
  it("a whole test of a service", async () => {
    expect(await outputOf("embedded.example.ts", "--test")).toMatch(/pass 3\n[\s\S]*fail 0\n/)
  })
})
