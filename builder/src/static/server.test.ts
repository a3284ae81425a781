import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer, request } from "node:http"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "@effect/vitest"
import fc from "fast-check"
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

/** Serves these files as a site, and returns a function that requests a path. */
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
  it("is served by an up-to-date program", async () => {
    const { text } = await staticServerProgram()
    expect(text).toContain(JSON.stringify(staticServer))
  })

  it("with one page serves that page for its client-side routes, and 404 for missing files", async () => {
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

  it("with several pages serves its own 404 page", async () => {
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

  it("doesn't serve files that are hidden, describe the project, or are outside", async () => {
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

  it("survives and answers any Range header", async () => {
    const ask = await serve({ "index.html": "0123456789" })
    const whole = { status: 200, text: "0123456789" }
    const range = (text: string) => ask("/index.html", { range: text })
    expect(await range("bytes=2-4")).toMatchObject({ status: 206, text: "234" })
    expect(await range("bytes=7-")).toMatchObject({ status: 206, text: "789" })
    expect((await range("bytes=10-")).status).toBe(416)
    expect(await ask("/index.html", { range: "bytes=2-4", "if-range": '"other"' })).toMatchObject(whole)
    const odd = [
      "bytes=5-2",
      "bytes=-3",
      "bytes=0-0",
      "bytes=--1",
      "bytes=1-2,4-5",
      "bytes=-",
      "lines=1-2",
      "bytes=1e9-",
      "x"
    ]
    for (const text of odd) expect([text, await range(text)]).toMatchObject([text, whole])
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^bytes=[-0-9, a.]{0,12}$/), async (text) => {
        expect([200, 206, 416]).toContain((await range(text.trim())).status)
      }),
      { numRuns: 100 }
    )
  })

  it("keeps serving after a file was deleted", async () => {
    const ask = await serve({ "index.html": "home", "gone.txt": "x" })
    rmSync(join(folder, "built", "site", "gone.txt"))
    await expect(ask("/gone.txt")).rejects.toThrow()
    expect((await ask("/")).text).toBe("home")
  })

  it("has no links that point outside, to nothing, or in a cycle", async () => {
    const links = {
      good: "index.html",
      latest: "v2",
      out: "/etc",
      secret: "/etc/passwd",
      nowhere: "nothing",
      self: "self",
      round: ".",
      "a/b": "../c",
      "c/a": "../a"
    }
    const files = { "index.html": "home", "v2/index.html": "two", "a/x": "", "c/x": "" }
    for (const [name, target] of Object.entries(links)) {
      mkdirSync(dirname(join(folder, "source", name)), { recursive: true })
      symlinkSync(target, join(folder, "source", name))
    }
    const ask = await serve(files)
    expect((await ask("/good")).text).toBe("home")
    expect((await ask("/latest/")).text).toBe("two")
    for (const path of ["/out/passwd", "/secret", "/nowhere"])
      expect([path, (await ask(path)).text.includes("root:")]).toEqual([path, false])
    expect(readdirSync(join(folder, "built", "site")).sort()).toEqual(["a", "c", "good", "index.html", "latest", "v2"])
  })
})
