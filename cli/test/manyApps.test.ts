import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { getByHost } from "../../server/test/getByHost.ts"
import { makeFolder, run, start } from "./cli.ts"

const server = {
  calling:
    "const http = require('node:http'); http.createServer((request, response) => http.get(process.env.BILLING, (found) => found.pipe(response))).listen(process.env.PORT)",
  source:
    "require('node:http').createServer((request, response) => response.end(process.env.TOLD ?? 'hello')).listen(process.env.PORT)",
  packageJson: (name: string) => `{ "name": "${name}", "scripts": { "start": "node index.js" } }`
}
const sourceOf = (folder: string) => ({
  [`${folder}/index.js`]: server.source,
  [`${folder}/package.json`]: server.packageJson(folder.replaceAll("/", "-"))
})
const billing = (rest = `exports: { api: { to: [shop] } }`) =>
  `app: billing\nservices:\n  - { name: api, source: ./api }\n${rest}\n`
const shop = `app: shop
services:
  - name: web
    source: ./web
    env: { BILLING: { external: billing/api, property: url } }
outputs:
  url: { service: web, property: publicUrl }
`
const lone = `app: lone\nservices:\n  - { name: one, source: . }\n`

const folder = makeFolder({
  "apps/shop/maxcloud.config.yaml": shop,
  ...sourceOf("apps/shop/web"),
  "apps/shop/web/index.js": server.calling,
  "apps/billing/maxcloud.config.yaml": billing(),
  ...sourceOf("apps/billing/api"),
  "lone/maxcloud.config.yaml": lone,
  ...sourceOf("lone"),
  "node_modules/x/maxcloud.config.yaml": "app: never\nservices: []\n",
  "dist/maxcloud.config.yaml": "app: built\nservices: []\n",
  ".gitignore": "dist\nnode_modules\n.maxcloud\n"
})
const git = (...args: ReadonlyArray<string>) =>
  execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main", ...args], {
    cwd: folder,
    encoding: "utf8"
  })
const write = (path: string, text: string) => writeFileSync(join(folder, path), text)
const cli = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => run(args, { cwd: folder, env })

describe("several apps of a repository", () => {
  let running: ReturnType<typeof start>
  let apiUrl = ""
  beforeAll(async () => {
    git("init", "--quiet")
    git("add", ".")
    git("commit", "--quiet", "-m", "first")
    running = start(["server", "--port", "0", "--data-dir", join(makeFolder({}), "data")])
    const line = await running.until(/http:\/\/127\.0\.0\.1:\d+/)
    apiUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? ""
  }, 120_000)
  afterAll(async () => {
    running.child.kill("SIGTERM")
    await running.ended
  })

  it("are found below the folder, except ignored ones, in the order of their links", async () => {
    const { code, stdout } = await cli(["config", "check", "--all"])
    expect(stdout.split("\n").map((line) => /app (\w+)/.exec(line)?.[1])).toEqual([
      "billing",
      "shop",
      "lone",
      undefined
    ])
    expect(code).toBe(0)
    const json = JSON.parse((await cli(["config", "check", "--all", "--json"])).stdout)
    expect(json.apps.map((each: { spec: { app: string } }) => each.spec.app)).toEqual(["billing", "shop", "lone"])
  })

  it("can be chosen by name, pattern and folder; a filter that matches none is an error", async () => {
    const chosen = async (...args: ReadonlyArray<string>) =>
      (await cli(["config", "check", "--all", ...args])).stdout.match(/(?<=app )\w+/g)
    expect(await chosen("--filter", "lone")).toEqual(["lone"])
    expect(await chosen("--filter", "*o*")).toEqual(["shop", "lone"])
    expect(await chosen("--filter", "./apps")).toEqual(["billing", "shop"])
    expect(await chosen("--filter", "apps/shop", "--filter", "lone")).toEqual(["shop", "lone"])
    const wrong = await cli(["config", "check", "--all", "--filter", "x"])
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("the apps here are billing, shop, lone")])
    const alone = await cli(["deploy", "--filter", "x"])
    expect([alone.code, alone.stderr]).toEqual([2, expect.stringContaining("--filter needs --all")])
    const both = await cli(["deploy", "--all", "--name", "a", "nginx"])
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining("--all and --name can't be combined")])
  })

  it("count as changed only if their config, sources or files beside them change", async () => {
    const changed = async () =>
      (await cli(["config", "check", "--all", "--changed", "HEAD"])).stdout.match(/(?<=app )\w+/g) ?? []
    expect(await changed()).toEqual([])
    write("README.md", "of nobody")
    expect(await changed()).toEqual([])
    write("lone/new.txt", "x")
    expect(await changed()).toEqual(["lone"])
    write("apps/shop/web/index.js", `${server.calling}\n`)
    expect(await changed()).toEqual(["shop", "lone"])
    git("add", ".")
    git("commit", "--quiet", "-m", "second")
    expect((await cli(["config", "check", "--all", "--changed", "HEAD~1"])).stdout.match(/(?<=app )\w+/g)).toEqual([
      "shop",
      "lone"
    ])
    for (const ref of ["nothing", "--help"]) {
      const wrong = await cli(["config", "check", "--all", `--changed=${ref}`])
      expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("no such commit")])
    }
  })

  it("are planned as if those before them were deployed", async () => {
    const { code, stderr, stdout } = await cli(["plan", "--all", "--api-url", apiUrl])
    expect(stderr).toContain("shop needs billing to be deployed first")
    expect(stdout).toMatch(/billing \(production\)[\s\S]*shop \(production\)/)
    expect(code).toBe(0)
  })

  const linked = (exported: string, name = "billing/api") =>
    makeFolder({
      "a/maxcloud.config.yaml": `app: billing\nservices:\n  - { name: api, image: nginx, visibility: internal }\n${exported}\n`,
      "b/maxcloud.config.yaml": `app: mshop\nservices:\n  - { name: web, image: nginx, env: { A: { external: ${name}, property: url } } }\n`
    })

  it("are checked for broken links between them before anything is sent", async () => {
    const broken = [
      [
        "exports: { api: { to: [shop] } }",
        "billing/api",
        `doesn't export "api" to "mshop", only to "shop". In the config`
      ],
      [
        "exports: { api: { to: [other] } }",
        "billing/api",
        `Add it to the config of "billing": exports: { api: { to: ["other", "mshop"] } }.`
      ],
      ["exports: { api: { to: [mshop] } }", "billing/apj", `has no service "apj". Did you mean "api"?`]
    ] as const
    for (const [exported, name, message] of broken) {
      const cwd = linked(exported, name)
      for (const command of [["config", "check"], ["plan"], ["deploy"]]) {
        const { code, stderr } = await run([...command, "--all", "--api-url", apiUrl], { cwd })
        expect(stderr).toMatch(/^ {2}b\/maxcloud\.config\.yaml:3:\d+ {2}services\.web\.env\.A/m)
        expect(stderr).toContain(message)
        expect(stderr).not.toContain("isn't deployed")
        expect(code).toBe(2)
      }
      const alone = await run(["config", "check", "--all", "--filter", "mshop"], { cwd })
      expect(alone.stderr).toContain(message)
    }
    const list = await run(["apps", "list", "--json", "--api-url", apiUrl], { cwd: folder })
    expect(list.stdout).not.toContain("billing")
  }, 120_000)

  it("are checked for links that lead out of the repository before the first is deployed", async () => {
    const cwd = linked("exports: { api: { to: [mshop] } }", "biling/api")
    const check = await run(["config", "check", "--all"], { cwd })
    expect(check.stderr).toMatch(
      /^warning: .*env\.A {2}The app "biling" isn't in this repository\. Did you mean "billing"\?$/m
    )
    expect(check.code).toBe(0)
    const { code, stderr } = await run(["deploy", "--all", "--api-url", apiUrl], { cwd })
    expect(stderr).toMatch(
      /^ {2}.*env\.A {2}The app "biling" isn't deployed\. Deploy it first, or correct its name\.$/m
    )
    expect(code).toBe(2)
    const list = await run(["apps", "list", "--json", "--api-url", apiUrl], { cwd: folder })
    expect(list.stdout).not.toContain("billing")
  }, 120_000)

  it("are deployed in order, with one result, and reach each other", async () => {
    const file = join(makeFolder({ output: "" }), "output")
    const { code, stderr, stdout } = await cli(["deploy", "--all", "--json", "--api-url", apiUrl], {
      GITHUB_OUTPUT: file
    })
    expect(stderr).toBe("")
    expect(code).toBe(0)
    const { apps } = JSON.parse(stdout)
    expect(apps.map((each: { app: string; state: string }) => `${each.app} ${each.state}`)).toEqual([
      "billing deployed",
      "shop deployed",
      "lone deployed"
    ])
    const { url } = apps[1].outputs
    expect(await getByHost(url)).toEqual({ status: 200, text: "hello" })
    expect(readFileSync(file, "utf8")).toMatch(new RegExp(`^url<<(.*)\\n${url}\\n\\1\\n$`))
    const output = await cli(["output", "url", "--app", "shop", "--api-url", apiUrl])
    expect([output.stdout, output.code]).toEqual([`${url}\n`, 0])
    const missing = await cli(["output", "nope", "--app", "shop", "--api-url", apiUrl])
    expect([missing.code, missing.stderr]).toEqual([5, expect.stringContaining(`shop has no output "nope"`)])
  }, 180_000)

  it("are skipped only if they need a failed one", async () => {
    write(
      "apps/billing/maxcloud.config.yaml",
      billing("exports: { api: { to: [shop] } }\n").replace(
        "source: ./api",
        "source: ./api, env: { A: { secret: NOT_SET } }"
      )
    )
    const { code, stderr, stdout } = await cli(["deploy", "--all", "--api-url", apiUrl])
    expect(stdout).toMatch(/billing +failed[\s\S]*shop +skipped +billing wasn't deployed[\s\S]*lone +deployed/)
    expect(stderr).toContain("error: billing:")
    expect(stderr).toMatch(/apps\/billing\/maxcloud\.config\.yaml:3:\d+ .*NOT_SET/)
    expect(code).toBe(2)
    write("apps/billing/maxcloud.config.yaml", billing())
  }, 120_000)

  it("can't remove an export that another one uses", async () => {
    write("apps/billing/maxcloud.config.yaml", billing(""))
    const { code, stderr } = await cli(["plan", "--all", "--filter", "billing", "--api-url", apiUrl])
    expect(stderr).toContain(`The export of "api" to "shop" can't be removed: "web" of "shop" (production) uses it.`)
    expect(code).toBe(2)
    write("apps/billing/maxcloud.config.yaml", billing())
  })

  it("must have different names, and no cycle of links", async () => {
    const twice = makeFolder({ "a/maxcloud.config.yaml": lone, "b/maxcloud.config.yaml": lone })
    const same = await run(["config", "check", "--all"], { cwd: twice })
    expect(same.stderr).toContain(
      'two configs describe the app "lone": a/maxcloud.config.yaml and b/maxcloud.config.yaml'
    )
    const calling = (app: string, other: string) =>
      `app: ${app}\nservices:\n  - { name: web, image: nginx, env: { A: { external: ${other}/web, property: url } } }\n`
    const circle = makeFolder({
      "a/maxcloud.config.yaml": calling("a", "b"),
      "b/maxcloud.config.yaml": calling("b", "c"),
      "c/maxcloud.config.yaml": calling("c", "a")
    })
    const round = await run(["config", "check", "--all"], { cwd: circle })
    expect([round.code, round.stderr]).toEqual([2, expect.stringContaining("in a cycle: a → b → c → a")])
    const mistakes = makeFolder({
      "a/maxcloud.config.yaml": "app: A\nservices: []\n",
      "b/maxcloud.config.yaml": "app: B\nservices: []\n"
    })
    const both = await run(["config", "check", "--all"], { cwd: mistakes })
    expect(both.stderr).toMatch(/a\/maxcloud\.config\.yaml:1:\d+[\s\S]*b\/maxcloud\.config\.yaml:1:\d+/)
  })
})
