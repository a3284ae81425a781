import { rmSync } from "node:fs"
import { createServer } from "node:net"
import { afterEach, expect, it } from "vitest"
import { makeFolder, run } from "./cli.ts"
import { devIn } from "./devSession.ts"

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

it("prints commands that work in another terminal, whatever its port, and picks a secret up at once", async () => {
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
  const said = await dev.until(/run `maxcloud secrets set TOKEN [^`]*`/)
  const line = /run `maxcloud (secrets set TOKEN [^`]*)`/.exec(said)?.[1] ?? ""
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
}, 90_000)
