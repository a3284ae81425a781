import { execFileSync } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { main } from "../../../cli/test/cli.ts"
import { type Embedded, embedded } from "../../src/assembly/index.ts"
import { exampleFolder, runExample } from "./exampleFolder.ts"

let cloud: Embedded
const server = () => ({ MAXCLOUD_API_URL: cloud.url, MAXCLOUD_API_KEY: cloud.token })
beforeAll(async () => {
  cloud = await embedded()
}, 120_000)
afterAll(() => cloud?.close(), 60_000)

const textOf = async (request: IncomingMessage) => {
  let text = ""
  for await (const chunk of request.setEncoding("utf8")) text += chunk
  return text
}

/** A server for one test, removed at its end. */
const listen = async (handle: Parameters<typeof createServer>[1]) => {
  const made = createServer(handle)
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve))
  const { port } = made.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, [Symbol.dispose]: () => void made.close() }
}

describe("the example", { timeout: 240_000 }, () => {
  it("ci-deploy shows progress, writes a summary, and exits with the command's code", async () => {
    const folder = exampleFolder("ci-deploy")
    const environment = {
      ...server(),
      MAXCLOUD: `${process.execPath} ${main}`,
      GITHUB_STEP_SUMMARY: join(folder, "summary.md"),
      GITHUB_OUTPUT: join(folder, "outputs")
    }
    const { code, stderr, stdout } = await runExample(folder, ["deploy.ts", "--stage", "ci"], environment)
    expect([code, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^uploading \d+ files\n[\s\S]*web: /)
    const url = /http:\S+/.exec(readFileSync(environment.GITHUB_STEP_SUMMARY, "utf8"))?.[0]
    expect(url).toMatch(/^http:\/\/web--shop--ci--local\.localhost/)
    expect(readFileSync(environment.GITHUB_STEP_SUMMARY, "utf8")).toContain(`| web | ready | ${url} |`)
    expect(readFileSync(environment.GITHUB_OUTPUT, "utf8")).toContain(`\n${url}\n`)

    writeFileSync(join(folder, "maxcloud.config.ts"), "export default 1")
    const mistaken = await runExample(folder, ["deploy.ts"], environment)
    expect(mistaken.code).toBe(2)
    expect(mistaken.stderr).toContain("config_invalid")
  })

  it("previews deploys a branch, posts its URL, and removes previews of deleted branches", async () => {
    const folder = exampleFolder("previews")
    const git = (...args: ReadonlyArray<string>) =>
      execFileSync("git", ["-c", "user.name=A", "-c", "user.email=a@b.c", ...args], { cwd: folder, stdio: "pipe" })
    git("init", "-q", "-b", "main")
    git("add", "web", "maxcloud.config.ts")
    git("commit", "-q", "-m", "first")
    git("branch", "Fix/Basket")
    git("remote", "add", "origin", folder)

    const posted: Array<unknown> = []
    using github = await listen(async (request, response) => {
      posted.push([request.url, JSON.parse(await textOf(request)).body])
      response.writeHead(201).end()
    })
    const preview = (...args: ReadonlyArray<string>) => runExample(folder, ["preview.ts", ...args], server())
    const stages = async () =>
      (await cloud.client.apps.list()).map(({ stage }) => stage).filter((stage) => stage.startsWith("preview-"))

    const first = await runExample(folder, ["preview.ts", "deploy", "Fix/Basket"], {
      ...server(),
      GITHUB_API_URL: github.url,
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_TOKEN: "t",
      PULL_REQUEST: "7"
    })
    expect([first.code, first.stdout]).toEqual([
      0,
      expect.stringContaining("Preview of Fix/Basket\nweb: http://web--shop--preview-")
    ])
    expect(posted).toEqual([["/repos/acme/shop/issues/7/comments", first.stdout.trimEnd()]])
    const [kept] = await stages()
    expect(kept).toMatch(/^preview-fix-basket-[0-9a-f]{6}$/)
    const text = await (await cloud.fetch("web", "/", { stage: kept, app: "shop" })).text()
    expect(text).toBe(`hello from ${kept}\n`)

    // Two branches whose names differ only in special characters have separate stages.
    expect((await preview("deploy", "fix-basket")).code).toBe(0)
    expect(await stages()).toHaveLength(2)
    expect((await preview("prune")).stdout).toMatch(/^removed preview-fix-basket-\w+\n$/)
    expect(await stages()).toEqual([kept])
    expect((await preview("remove", "Fix/Basket")).code).toBe(0)
    expect(await stages()).toEqual([])
    expect((await preview("nothing")).code).toBe(2)
  })

  it("nightly-usage writes a line for each service, with the costs", async () => {
    const folder = exampleFolder("nightly-usage")
    const { code, stderr, stdout } = await runExample(folder, ["report.ts", "1h"], server())
    expect(code).toBe(0)
    const [header, ...rows] = stdout.trimEnd().split("\n")
    expect(header).toBe("since,until,app,stage,service,instances,cpu_hours,gib_hours,cost_eur")
    const ofShop = rows.map((row) => row.split(",")).find(([, , app, stage]) => app === "shop" && stage === "ci")
    expect(ofShop).toHaveLength(9)
    const [cpu = 0, gib = 0, cost = 0] = ofShop?.slice(6).map(Number) ?? []
    expect(cpu).toBeGreaterThan(0)
    expect(cost).toBeCloseTo(cpu * 0.04 + gib * 0.005, 3)
    expect(stderr).toMatch(/^\d+ services, \d+\.\d\d EUR\n$/)
  })

  it("integration-test passes, with its own server", async () => {
    const { stdout } = await runExample(exampleFolder("integration-test"), ["--test"], {})
    expect(stdout).toMatch(/pass 3\n[\s\S]*fail 0\n/)
  })

  it("many-apps-at-once deploys each app once, even if responses are late, busy or lost", async () => {
    const folder = exampleFolder("many-apps-at-once")
    const apps = ["one", "two", "three", "four", "five", "six"]
    writeFileSync(join(folder, "apps.json"), JSON.stringify(apps))
    /** A proxy in front of the server: refuses the first deployment as busy, and loses the answer to the second. */
    let deployments = 0
    const keys: Array<string> = []
    using front = await listen(async (request, response) => {
      const isDeployment = request.method === "POST" && request.url?.endsWith("/deployments") === true
      const nth = isDeployment ? ++deployments : 0
      if (isDeployment) keys.push(String(request.headers["idempotency-key"]))
      const body: Array<Buffer> = []
      for await (const chunk of request) body.push(chunk)
      if (nth === 1) {
        const problem = {
          type: "about:blank",
          title: "Busy",
          status: 503,
          detail: "busy",
          code: "unavailable",
          instance: "/",
          requestId: "1",
          retryAfterSeconds: 1
        }
        response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1" })
        return response.end(JSON.stringify(problem))
      }
      const { host: _, connection: __, "content-length": ___, "transfer-encoding": ____, ...headers } = request.headers
      const answer = await fetch(`${cloud.url}${request.url}`, {
        method: request.method ?? "GET",
        headers: headers as Record<string, string>,
        ...(body.length === 0 ? {} : { body: Buffer.concat(body) })
      })
      if (nth === 2) return response.destroy()
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" })
      for await (const chunk of answer.body ?? []) response.write(chunk)
      response.end()
    })
    const { code, stderr, stdout } = await runExample(folder, ["deployMany.ts", "7"], {
      ...server(),
      MAXCLOUD_API_URL: front.url
    })
    expect([code, stderr, stdout]).toEqual([0, "", expect.stringContaining("deployment 1")])
    for (const app of apps) {
      expect(await cloud.client.deployments.list(app)).toHaveLength(1)
      expect(stdout).toContain(`'${app}'`)
    }
    // Two of them needed a second attempt, with the same key.
    expect(keys).toHaveLength(apps.length + 2)
    expect(new Set(keys).size).toBe(apps.length)
  })
})
