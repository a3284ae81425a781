import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { makeFolder, run, start } from "./cli.ts"

const config = (policies: string, rest = "") =>
  `app: shop\nservices:\n  - name: web\n    source: ./web${rest}\npolicies: ${policies}\n`
const folder = makeFolder({
  "broken.yaml": config("[requireReadiness, { warn: noPublic }]"),
  "warned.yaml": config("[{ warn: noPublic }]"),
  "web/index.js":
    "require('node:http').createServer((request, response) => response.end('hello')).listen(process.env.PORT)",
  "web/package.json": '{ "name": "web", "scripts": { "start": "node index.js" } }'
})
const cli = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => run(args, { cwd: folder, env })
const place =
  /broken\.yaml:3:5 {2}services\.web\.probes\.readiness\.path {2}requireReadiness: It has no readiness probe/
const warning = /warning: (broken|warned)\.yaml:3:5 {2}services\.web\.visibility {2}noPublic: It is public\./

describe("policies", () => {
  let server: ReturnType<typeof start>
  let env: Readonly<Record<string, string>> = {}
  beforeAll(async () => {
    server = start(["server", "--port", "0", "--data-dir", join(makeFolder({}), "data")])
    const line = await server.until(/http:\/\/127\.0\.0\.1:\d+/)
    env = { MAXCLOUD_API_URL: /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0] ?? "" }
  }, 60_000)
  afterAll(async () => {
    server.child.kill("SIGTERM")
    await server.ended
  })

  it("are checked by config check", async () => {
    const broken = await cli(["config", "check", "broken.yaml"])
    expect(broken.code).toBe(2)
    expect(broken.stderr).toMatch(place)
    expect(broken.stderr).toMatch(warning)
    const json = await cli(["config", "check", "broken.yaml", "--json"])
    expect(JSON.parse(json.stdout).error).toMatchObject({
      code: "config_invalid",
      exitCode: 2,
      errors: [{ pointer: "/spec/services/0/probes/readiness/path", code: "policy" }]
    })
    const warned = await cli(["config", "check", "warned.yaml", "--json"])
    expect([warned.code, JSON.parse(warned.stdout).warnings]).toMatchObject([0, [{ code: "policy" }]])
  })

  it("are checked by plan and deploy before they call the server", async () => {
    const plan = await cli(["plan", "-f", "broken.yaml"], env)
    expect(plan.code).toBe(2)
    expect(plan.stderr).toMatch(new RegExp(`problem: ${place.source}`))
    expect(plan.stderr).toMatch(warning)
    const deploy = await cli(["deploy", "-f", "broken.yaml", "--json"], env)
    expect(deploy.code).toBe(2)
    expect(JSON.parse(deploy.stdout).error.errors).toMatchObject([{ code: "policy", line: 3 }])
    expect(JSON.parse((await cli(["list", "--json"], env)).stdout).services).toEqual([])
  })

  it("don't stop a deploy if they only warn", async () => {
    const { code, stderr } = await cli(["deploy", "-f", "warned.yaml"], env)
    expect([code, warning.test(stderr)]).toEqual([0, true])
  }, 60_000)

  it("are warnings in dev", async () => {
    const apiUrl = env["MAXCLOUD_API_URL"] ?? ""
    const dev = start(["dev", "--no-watch", "-f", "broken.yaml", "--api-url", apiUrl], { cwd: folder })
    const output = await dev.until(/web +ready/)
    dev.child.kill("SIGINT")
    await dev.ended
    expect(output).toMatch(new RegExp(`warning: ${place.source}`))
  }, 60_000)

  it("of the organization can be set, tried, listed and removed, and fail plan and deploy with the config's line", async () => {
    const bad = await cli(["policies", "set", "bad", "servce.name == 'a'"], env)
    expect([bad.code, bad.stderr]).toEqual([
      2,
      expect.stringContaining('Unknown name "servce". Did you mean "service"?')
    ])
    const expression = "service.scale.max <= 3"
    const tried = await cli(["policies", "test", expression, "-f", "warned.yaml"], env)
    expect([tried.code, tried.stderr]).toEqual([2, expect.stringMatching(/warned\.yaml:3:5 {2}services\.web\.scale/)])
    expect((await cli(["policies", "test", "service.scale.max <= 10", "-f", "warned.yaml"], env)).code).toBe(0)

    const set = await cli(["policies", "set", "few", expression, "--message", "Write scale.max 3."], env)
    expect(set.stderr).toMatch(
      /few is set; 0 of 2 deployed stages follow it\n.*breaks it: shop \(dev\) {2}web: Policy "few"/
    )
    const place =
      /warned\.yaml:3:5 {2}services\.web\.scale\.max {2}Policy "few" of the organization: Write scale\.max 3\./
    const plan = await cli(["plan", "-f", "warned.yaml"], env)
    expect([plan.code, place.test(plan.stderr)]).toEqual([2, true])
    const deploy = await cli(["deploy", "-f", "warned.yaml"], env)
    expect([deploy.code, place.test(deploy.stderr)]).toEqual([2, true])
    const back = await cli(["deploy", "--from", "1", "--config", "warned.yaml", "--json"], env)
    expect([back.code, back.stdout]).toEqual([0, expect.stringMatching(/"code": ?"policy"/)])

    const listed = await cli(["policies", "list", "--json"], env)
    expect(JSON.parse(listed.stdout).policies).toMatchObject([{ name: "few", expression, enforcement: "refuse" }])
    expect((await cli(["policies", "list"], env)).stdout).toMatch(/few +refuse +service\.scale\.max <= 3/)
    expect((await cli(["policies", "remove", "few"], env)).code).toBe(0)
    expect((await cli(["policies", "remove", "few"], env)).code).toBe(5)
    expect((await cli(["plan", "-f", "warned.yaml"], env)).code).toBe(0)
  }, 120_000)
})
