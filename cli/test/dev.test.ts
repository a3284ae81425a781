import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterEach, expect, it } from "@effect/vitest"
import { makeFolder, run } from "./cli.ts"
import { devIn, get, openSocket } from "./devSession.ts"

const ending: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
}, 60_000)

const folderOf = (files: Readonly<Record<string, string>>) => {
  const folder = makeFolder(files)
  ending.push(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const session: typeof devIn = async (...all) => {
  const dev = await devIn(...all)
  ending.push(dev.end)
  return dev
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => resolve(typeof address === "object" ? (address?.port ?? 0) : 0))
    })
  })

const echo = (expression: string) =>
  `require("http").createServer((_, r) => r.end(String(${expression}))).listen(process.env.PORT)\n`

it("prints commands that work in another terminal on any port, and picks up a secret immediately", async () => {
  const cwd = folderOf({
    "maxcloud.config.json": JSON.stringify({
      app: "shop",
      services: [{ name: "web", source: "./web", env: { TOKEN: { secret: "TOKEN" } } }]
    }),
    "web/index.js": echo(`process.env.TOKEN`)
  })
  const port = await freePort()
  const dev = await session(cwd, { args: [], env: { MAXCLOUD_PORT: String(port) } })
  expect(dev.apiUrl).toBe(`http://127.0.0.1:${port}`)
  const said = await dev.until(/Run `maxcloud secrets set TOKEN [^`]*`/)
  const line = /Run `maxcloud (secrets set TOKEN [^`]*)`/.exec(said)?.[1] ?? ""
  for (const [value, times] of [
    ["one", 1],
    ["two", 2]
  ] as const) {
    const set = await run(line.split(" "), { cwd, stdin: value })
    expect([set.code, set.stderr]).toEqual([0, expect.stringContaining(`version ${times}`)])
    await dev.answers("web", new RegExp(`^${value}$`))
    expect(dev.count("secret TOKEN was set: web restarts with it")).toBe(times)
  }
  expect(dev.output().stdout + dev.output().stderr).not.toMatch(/\b(one|two)\b/)
}, 180_000)

const shown = (...names: ReadonlyArray<string>) => echo(`[${names.map((name) => `process.env.${name}`).join()}]`)

it("gives services the variables of .env and .env.local, prints only names, and follows the files", async () => {
  const service = { name: "web", source: "./web", env: { OF_CONFIG: "config" } }
  const cwd = folderOf({
    "maxcloud.config.json": JSON.stringify({ app: "shop", services: [service] }),
    ".env": "OF_CONFIG=worth-root\nA=worth-root\nB=worth-root\nC=worth-root\nD=worth-root\nPORT=1\n",
    ".env.local": "B=worth-root-local\nC=worth-root-local\n",
    "web/.env": "C=worth-own\n",
    "web/.gitignore": ".env\n",
    "web/index.js": shown("OF_CONFIG", "A", "B", "C", "D", "E")
  })
  const dev = await session(cwd, { env: { D: "worth-shell" } })
  await dev.answers("web", /^config,worth-root,worth-root-local,worth-own,worth-shell,$/)
  for (const said of [
    "web gets A from .env\n",
    "web gets B from .env.local\n",
    "web gets C from web/.env\n",
    "web gets D from your shell",
    "web gets OF_CONFIG from the config"
  ])
    await dev.until(new RegExp(said))

  // Saved as editors do, in a file that git ignores.
  writeFileSync(join(cwd, "web/next"), "C=worth-changed\nE=worth-new\n")
  renameSync(join(cwd, "web/next"), join(cwd, "web/.env"))
  await dev.answers("web", /^config,worth-root,worth-root-local,worth-changed,worth-shell,worth-new$/)

  writeFileSync(join(cwd, ".env.local"), "B=worth-half#way\n")
  await dev.until(/\.env\.local:1: B has a # without quotes/)
  await dev.answers("web", /^config,worth-root,worth-root,worth-changed,worth-shell,worth-new$/)
  const { stderr, stdout } = await dev.end()
  expect(stdout + stderr).not.toContain("worth-")
}, 180_000)

it("gives services the shell's PATH, and a deploy to the same server nothing of the shell or of .env", async () => {
  const tool = "#!/bin/sh\necho from the shell\n"
  const server = `const { spawnSync } = require("child_process")
require("http").createServer((_, r) => r.end(String([spawnSync("our-tool").stdout, process.env.A]))).listen(process.env.PORT)\n`
  const cwd = folderOf({
    "maxcloud.config.json": '{"app":"shop","services":[{"name":"web","source":"./web"}]}',
    ".env": "A=worth-root\n",
    "web/index.js": server,
    "web/package.json": '{"scripts":{"dev":"node gone.js"}}',
    "venv/bin/our-tool": tool
  })
  chmodSync(join(cwd, "venv/bin/our-tool"), 0o755)
  mkdirSync(join(cwd, ".maxcloud"), { mode: 0o711 })
  const PATH = `${join(cwd, "venv/bin")}:${process.env.PATH}`
  const dev = await session(cwd, { args: ["--port", "0", "--no-dev-script"], env: { PATH } })
  await dev.answers("web", /^from the shell\n,worth-root$/)
  const deployed = await run(["deploy", "--stage", "other", "--api-url", dev.apiUrl], { cwd })
  expect([deployed.code, deployed.stderr]).toEqual([0, expect.anything()])
  const { port } = new URL(dev.apiUrl)
  expect((await get(`http://web--shop--other--local.localhost:${port}/`)).body).toBe(",")
}, 180_000)

/** A typical development server: reloads its files by itself, notifies browsers by WebSocket, and can run only once in its folder. */
const tool = `import { mkdirSync, readFileSync, rmSync, watch } from "node:fs"
import { createServer } from "node:http"
mkdirSync("lock")
process.on("SIGTERM", () => setTimeout(() => (rmSync("lock", { recursive: true }), process.exit()), 300))
process.stdin.on("end", () => console.log("stdin has ended")).resume()
const read = () => readFileSync("message.txt", "utf8")
const server = createServer((_, r) => r.end(\`\${process.pid} \${process.env.GREETING} \${process.argv[2]} \${read()}\`))
const sockets = new Set()
server.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nConnection: Upgrade\\r\\nUpgrade: websocket\\r\\n" +
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\\r\\n\\r\\n")
  sockets.add(socket)
  socket.on("error", () => {})
})
watch("message.txt", () => {
  const text = Buffer.from(read())
  for (const socket of sockets) socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]))
})
server.listen(process.env.PORT)
`

it("runs the dev script in place: it reloads by itself, and restarts only if the config changes", async () => {
  const config = (greeting: string) =>
    JSON.stringify({ app: "shop", services: [{ name: "web", source: "./web", env: { GREETING: greeting } }] })
  const manifest = (word: string) =>
    JSON.stringify({ scripts: { dev: `node tool.mjs ${word}`, start: "node gone.js" } })
  const cwd = folderOf({
    "maxcloud.config.json": config("hello"),
    "web/package.json": manifest("first"),
    "web/tool.mjs": tool,
    "web/message.txt": "one"
  })
  // If the tests run as root, services run as another user.
  chmodSync(join(cwd, "web"), 0o777)
  const dev = await session(cwd)
  await dev.answers("web", /^\d+ hello first one$/)
  await dev.until(/web runs its dev script \(node tool.mjs first\)/)
  const pidOf = async () => (await get(dev.urlOf("web"))).body.split(" ")[0]
  const pid = await pidOf()
  const socket = await openSocket(dev.urlOf("web"))
  ending.push(async () => socket.close())

  writeFileSync(join(cwd, "web/message.txt"), "two")
  await expect.poll(() => socket.texts.at(-1), { timeout: 10_000 }).toBe("two")
  await dev.answers("web", new RegExp(`^${pid} hello first two$`))
  expect(dev.count("deployment 2 of")).toBe(0)

  writeFileSync(join(cwd, "maxcloud.config.json"), config("bye"))
  await dev.answers("web", /^\d+ bye first two$/)
  expect(await pidOf()).not.toBe(pid)
  writeFileSync(join(cwd, "web/package.json"), manifest("second"))
  await dev.answers("web", /^\d+ bye second two$/)
  expect(dev.count("deployment 3 of")).toBe(1)
  expect(dev.count("deployment 4 of")).toBe(0)
  expect(dev.count("stdin has ended")).toBe(0)
}, 180_000)
