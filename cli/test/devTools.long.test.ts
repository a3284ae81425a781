import { spawnSync } from "node:child_process"
import { mkdirSync, rmSync, writeFileSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"
import { afterEach, expect, it } from "@effect/vitest"
import { makeFolder } from "./cli.ts"
import { devIn, get, openSocket } from "./devSession.ts"

const ending: Array<() => unknown> = []
afterEach(async () => {
  for (const end of ending.splice(0).reverse()) await end()
}, 60_000)

/** An app with a `web` project that uses these npm packages. */
const projectOf = (files: Readonly<Record<string, string>>) => {
  const cwd = makeFolder({
    "maxcloud.config.json": '{"app":"shop","services":[{"name":"web","source":"./web"}]}',
    ...Object.fromEntries(Object.entries(files).map(([name, content]) => [`web/${name}`, content]))
  })
  ending.push(() => rmSync(cwd, { recursive: true, force: true }))
  const web = join(cwd, "web")
  mkdirSync(web, { recursive: true })
  const env = { ...process.env, PATH: [dirname(process.execPath), process.env["PATH"]].join(delimiter) }
  const installed = spawnSync("npm", ["install", "--no-audit", "--no-fund"], { cwd: web, env, encoding: "utf8" })
  if (installed.status !== 0) throw new Error(installed.stdout + installed.stderr)
  // If the tests run as root, the tools run as another user and write their caches here.
  spawnSync("chmod", ["-R", "a+rwX", web])
  return { cwd, web }
}

it("Vite: its client connects through the proxy, and an edit reaches it without a redeployment", async () => {
  const script = (text: string) => `document.body.textContent = "${text}"\nimport.meta.hot.accept()\n`
  const { cwd, web } = projectOf({
    "package.json": '{"type":"module","scripts":{"dev":"vite --port 3000"},"devDependencies":{"vite":"^7.0.0"}}',
    "index.html": '<body></body><script type="module" src="/main.js"></script>',
    "main.js": script("one"),
    ".env.local": "VITE_GREETING=from-file\n"
  })
  const dev = await devIn(cwd)
  ending.push(dev.end)
  await dev.answers("web", /@vite\/client/, 120_000)
  await dev.until(/web reads \.env\.local by itself/)
  const url = dev.urlOf("web")
  const client = (await get(`${url}@vite/client`)).body
  const token = /wsToken = "([^"]+)"/.exec(client)?.[1] ?? ""
  expect((await get(`${url}main.js`)).body).toContain("one")
  const socket = await openSocket(`${url}?token=${token}`, { "sec-websocket-protocol": "vite-hmr" })
  ending.push(socket.close)
  await expect.poll(() => socket.texts[0], { timeout: 20_000 }).toMatch(/connected/)
  writeFileSync(join(web, "main.js"), script("two"))
  await expect.poll(() => socket.texts.join("\n"), { timeout: 20_000 }).toMatch(/"type":"update".*main\.js/)
  expect((await get(`${url}main.js`)).body).toContain("two")
  expect(dev.count("deployment 2 of")).toBe(0)
}, 400_000)

it("Next.js: its client connects through the proxy, and an edit reaches it without a redeployment", async () => {
  const page = (text: string) => `export default function Page() { return <p>{"text " + "${text}"}</p> }\n`
  const { cwd, web } = projectOf({
    "package.json": JSON.stringify({
      scripts: { dev: "next dev" },
      dependencies: { next: "^16.4.0", react: "^19.0.0", "react-dom": "^19.0.0" }
    }),
    "app/layout.js": "export default function Layout({ children }) { return <html><body>{children}</body></html> }\n",
    "app/page.js": page("one")
  })
  const dev = await devIn(cwd)
  ending.push(dev.end)
  await dev.answers("web", /text one/, 180_000)
  const socket = await openSocket(`${dev.urlOf("web")}_next/hmr?id=1`)
  ending.push(socket.close)
  await expect.poll(() => socket.texts.length, { timeout: 30_000 }).toBeGreaterThan(0)
  const before = socket.texts.length
  writeFileSync(join(web, "app/page.js"), page("two"))
  await expect.poll(() => socket.texts.length, { timeout: 60_000 }).toBeGreaterThan(before)
  await dev.answers("web", /text two/, 60_000)
  expect(dev.count("deployment 2 of")).toBe(0)

  // A changed config restarts it. By then the old one, which held the lock, is gone.
  writeFileSync(
    join(cwd, "maxcloud.config.json"),
    '{"app":"shop","services":[{"name":"web","source":"./web","env":{"A":"1"}}]}'
  )
  await dev.until(/deployment 2 of/)
  await dev.answers("web", /text two/, 120_000)
  expect(dev.output().stdout).not.toContain("Unable to acquire lock")
}, 600_000)
