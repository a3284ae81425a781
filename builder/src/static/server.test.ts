import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, request } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { staticServerProgram } from "../../scripts/staticServerProgram.ts"
import { staticServer } from "./program.ts"
import { makeSite } from "./site.ts"

let folder: string
const running: Array<ChildProcess> = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-site-"))
})
afterEach(async () => {
  for (const child of running.splice(0)) {
    child.kill()
    await once(child, "exit")
  }
  rmSync(folder, { recursive: true, force: true })
})

const freePort = async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === "object" ? (address?.port ?? 0) : 0
}

/** Serves these files as a site, and gives what answers a path. */
const serve = async (files: Readonly<Record<string, string>>) => {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, "source", name)), { recursive: true })
    writeFileSync(join(folder, "source", name), content)
  }
  const built = await makeSite(folder, "source", join(folder, "built"))
  const port = await freePort()
  const args = built.start !== undefined && "args" in built.start ? built.start.args : []
  const child = spawn(process.execPath, [...args], {
    cwd: join(folder, "built"),
    env: { PORT: String(port), HOST: "127.0.0.1" },
    stdio: "inherit"
  })
  running.push(child)
  const ask = (path: string, headers: Readonly<Record<string, string>> = {}, method = "GET") =>
    new Promise<{
      status: number
      headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
      text: string
    }>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path, headers, method }, (response) => {
        let text = ""
        response.on("data", (chunk: Buffer) => {
          text += chunk.toString("latin1")
        })
        response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
      })
      sent.on("error", reject)
      sent.end()
    })
  const deadline = performance.now() + 10_000
  for (;;) {
    try {
      await ask("/")
      return ask
    } catch (cause) {
      if (performance.now() > deadline) throw cause
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

const script = `console.log(${JSON.stringify("x".repeat(5_000))})`

describe("a static site", () => {
  it("is served by a program that is made from its source", async () => {
    const { text } = await staticServerProgram()
    expect(text).toContain(JSON.stringify(staticServer))
  })

  it("of one page gives that page for the paths that the page routes itself, and 404 for files that are not there", async () => {
    const ask = await serve({ "index.html": "<h1>app</h1>", "assets/index-B7f_x2Qa.js": script, "logo.svg": "<svg/>" })
    expect(await ask("/some/route")).toMatchObject({ status: 200, text: "<h1>app</h1>" })
    expect((await ask("/assets/index-gone1234.js")).status).toBe(404)
    expect((await ask("/")).headers["cache-control"]).toBe("public, max-age=0, must-revalidate")
    expect((await ask("/logo.svg")).headers["cache-control"]).toBe("public, max-age=0, must-revalidate")
    const asset = await ask("/assets/index-B7f_x2Qa.js", { "accept-encoding": "gzip, br" })
    expect(asset.headers).toMatchObject({
      "cache-control": "public, max-age=31536000, immutable",
      "content-encoding": "br",
      vary: "Accept-Encoding"
    })
    expect((await ask("/assets/index-B7f_x2Qa.js")).text).toBe(script)
    const etag = String(asset.headers["etag"])
    const again = await ask("/assets/index-B7f_x2Qa.js", { "accept-encoding": "gzip, br", "if-none-match": etag })
    expect(again.status).toBe(304)
  })

  it("of several pages answers 404 with its own page", async () => {
    const ask = await serve({
      "index.html": "home",
      "about.html": "about",
      "docs/index.html": "docs",
      "404.html": "not here"
    })
    expect(await ask("/about")).toMatchObject({ status: 200, text: "about" })
    expect(await ask("/docs/")).toMatchObject({ status: 200, text: "docs" })
    expect(await ask("/nowhere")).toMatchObject({ status: 404, text: "not here" })
  })

  it("gives nothing that is hidden, describes the project, or lies outside", async () => {
    const ask = await serve({
      "index.html": "home",
      "a.html": "a",
      ".env": "SECRET=1",
      ".git/config": "x",
      ".well-known/security.txt": "Contact: x",
      "package.json": "{}",
      "maxcloud.config.ts": "x"
    })
    for (const path of [
      "/.env",
      "/%2eenv",
      "/.git/config",
      "/package.json",
      "/maxcloud.config.ts",
      "/..%2f..%2fetc/passwd",
      "/%2e%2e/built.json"
    ])
      expect([path, (await ask(path)).status]).toEqual([path, 404])
    expect((await ask("/.well-known/security.txt")).text).toBe("Contact: x")
    expect((await ask("/%ff")).status).toBe(400)
    expect((await ask("/", {}, "POST")).status).toBe(405)
  })
})
