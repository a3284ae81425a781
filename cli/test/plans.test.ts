import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type Embedded, embedded } from "@maxcloud/server"
import { makeFolder, run, webPackage, webServer } from "./cli.ts"

const value = "s3cr3t-value-of-a-plan"
const config = `app: shop
services:
  - name: web
    source: ./web
    env: { TOKEN: { secret: TOKEN }, GREETING: plain-greeting }
outputs:
  url: { service: web, property: publicUrl }
`

let cloud: Embedded
let cwd: string
beforeAll(async () => {
  cloud = await embedded()
  cwd = makeFolder({
    "maxcloud.config.yaml": config,
    "web/package.json": webPackage,
    "web/server.js": webServer("web"),
    "notes.txt": "mine",
    "empty.json": ""
  })
  await cloud.client.secrets.set("shop", "TOKEN", value)
}, 120_000)
afterAll(() => cloud[Symbol.asyncDispose](), 60_000)

const maxcloud = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
  run(args, { cwd, env: { MAXCLOUD_API_URL: cloud.url, ...env } })
const at = (name: string) => join(cwd, name)

describe("a plan in a file", () => {
  it("is readable only by its owner, contains no secret values, and comes with the command to deploy it", async () => {
    const { code, stderr, stdout } = await maxcloud(["plan", "--out", "plan.json"])
    expect([code, stderr]).toEqual([0, expect.stringContaining("uploading the source of web")])
    expect(stdout).toContain("+ create web")
    expect(stderr).toContain(
      "wrote the plan to plan.json, before the first deployment: `maxcloud deploy --plan plan.json` deploys exactly this"
    )
    const text = readFileSync(at("plan.json"), "utf8")
    expect(statSync(at("plan.json")).mode & 0o777).toBe(0o600)
    expect(text).toContain("plain-greeting")
    expect(text).not.toContain(value)
    expect(text).not.toContain(Buffer.from(value).toString("base64"))
    expect(JSON.parse(text)).toMatchObject({ kind: "maxcloud-plan", version: 1, plan: { basedOn: null } })
  })

  it("overwrites an earlier plan or an empty file, but nothing else", async () => {
    const before = readFileSync(at("plan.json"), "utf8")
    expect((await maxcloud(["plan", "--out", "plan.json", "--json"])).code).toBe(0)
    expect(JSON.parse(readFileSync(at("plan.json"), "utf8"))).toEqual(JSON.parse(before))
    expect((await maxcloud(["plan", "--out", "empty.json"])).code).toBe(0)
    for (const other of ["notes.txt", "maxcloud.config.yaml"]) {
      const kept = readFileSync(at(other), "utf8")
      const refused = await maxcloud(["plan", "--out", other])
      expect([refused.code, refused.stderr]).toEqual([
        2,
        expect.stringContaining("isn't a plan, so it wasn't overwritten")
      ])
      expect(readFileSync(at(other), "utf8")).toBe(kept)
    }
    for (const place of ["web", "nowhere/plan.json", "/dev/null"]) {
      expect((await maxcloud(["plan", "--out", place])).code, place).toBe(1)
    }
  })

  it("deploys the planned source, whatever the folder contains by then", async () => {
    writeFileSync(at("web/server.js"), webServer("changed"))
    const deployed = await maxcloud(["deploy", "--plan", "plan.json", "--message", "approved", "--json"])
    expect([deployed.code, deployed.stderr]).toEqual([0, ""])
    const answer = JSON.parse(deployed.stdout.trim().split("\n").at(-1) ?? "")
    expect(answer).toMatchObject({
      deployment: { number: 1, message: "approved" },
      outputs: { url: expect.stringContaining("shop--local") }
    })
    const planned = JSON.parse(readFileSync(at("plan.json"), "utf8"))
    const { spec } = await cloud.client.deployments.spec("shop", 1)
    expect(spec.services[0]?.source).toEqual(planned.spec.services[0].source)
    writeFileSync(at("web/server.js"), webServer("web"))
  })

  it("is refused with its own exit code after another deploy, naming its author and the differences", async () => {
    const again = await maxcloud(["deploy", "--plan", "plan.json"])
    expect(again.code).toBe(13)
    expect(again.stderr).toContain(
      'error: The plan is based on no deployment of "shop" (production), but deployment 1 was accepted since then. Nothing was deployed.'
    )
    expect(again.stderr).toContain("fix: create a new plan with `maxcloud plan --out plan.json`")

    expect((await maxcloud(["plan", "--out", "next.json"])).stderr).toContain("based on deployment 1")
    await cloud.client.secrets.set("shop", "TOKEN", "another")
    const moved = await maxcloud(["deploy", "--plan", "next.json"])
    expect(moved.code).toBe(13)
    expect(moved.stderr).toContain("no longer matches the plan")
    expect(moved.stderr).toContain("secret TOKEN: version 1 → 2")
    const json = await maxcloud(["deploy", "--plan", "next.json", "--json"])
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: "plan_outdated", exitCode: 13, status: 412, basedOn: 1, newestDeployment: 1 }
    })
    expect((await cloud.client.deployments.list("shop")).length).toBe(1)
  })

  it("is the whole config: other flags are refused", async () => {
    const flags = [
      ["--file", "maxcloud.config.yaml"],
      ["--config", "maxcloud.config.yaml"],
      ["--stage", "dev"],
      ["--all"],
      ["--filter", "shop"],
      ["--changed", "HEAD"],
      ["--from", "1"],
      ["--name", "web", "nginx:1"],
      ["nginx:1"],
      ["--env", "A=1"],
      ["--port", "80"],
      ["--min", "1"]
    ]
    for (const given of flags) {
      const { code, stderr } = await maxcloud(["deploy", "--plan", "next.json", ...given])
      expect([code, stderr], given.join(" ")).toEqual([2, expect.stringContaining("--plan can't be combined")])
    }
    const elsewhere = await maxcloud(["deploy", "--plan", "next.json"], { MAXCLOUD_STAGE: "dev" })
    expect([elsewhere.code, elsewhere.stderr]).toEqual([2, expect.stringContaining('MAXCLOUD_STAGE is "dev"')])
    const many = await maxcloud(["plan", "--all", "--out", "all.json"])
    expect([many.code, many.stderr]).toEqual([2, expect.stringContaining("--all and --out can't be combined")])
  }, 60_000)

  it("is read with bounds, and refused if it isn't a plan, is damaged or is from a newer version", async () => {
    const planned = JSON.parse(readFileSync(at("next.json"), "utf8"))
    const written = (name: string, content: unknown) => {
      writeFileSync(at(name), typeof content === "string" ? content : JSON.stringify(content))
      return name
    }
    mkdirSync(at("folder"))
    symlinkSync("/dev/zero", at("zero"))
    const cases: ReadonlyArray<readonly [string, RegExp]> = [
      ["absent.json", /file not found: absent\.json/],
      ["folder", /it isn't a file|illegal operation/],
      ["zero", /it isn't a file/],
      ["notes.txt", /notes\.txt isn't a plan/],
      [written("cut.json", JSON.stringify(planned).slice(0, 500)), /can't be used/],
      [written("newer.json", { ...planned, version: 2 }), /version 2.*reads version 1/],
      [written("id.json", { ...planned, plan: { ...planned.plan, id: null } }), /can't be used/],
      [written("latin.json", ""), /isn't a plan/]
    ]
    for (const [file, says] of cases) {
      const { code, stderr } = await maxcloud(["deploy", "--plan", file])
      expect([code, stderr], file).toEqual([2, expect.stringMatching(says)])
    }
    // A plan with a changed spec isn't the approved one.
    const altered = { ...planned, spec: { ...planned.spec, outputs: {} } }
    expect((await maxcloud(["deploy", "--plan", written("altered.json", altered)])).code).toBe(13)
    expect((await cloud.client.deployments.list("shop")).length).toBe(1)
  }, 60_000)

  it("isn't written if the app can't be deployed", async () => {
    writeFileSync(at("broken.yaml"), config.replace("secret: TOKEN", "secret: UNSET"))
    const { code, stderr, stdout } = await maxcloud(["plan", "-f", "broken.yaml", "--out", "broken.json"])
    expect(code).toBe(2)
    expect(stdout).toContain("~ update web")
    expect(stderr).toMatch(/problem: .*UNSET/)
    expect(() => statSync(at("broken.json"))).toThrow("ENOENT")
  })
})

describe("the manifests of a plan", () => {
  it("are YAML on stdout and JSON with --json, without secret values", async () => {
    const yaml = await maxcloud(["plan", "--manifests"])
    expect(yaml.code).toBe(0)
    expect(yaml.stdout).toMatch(/^---\napiVersion: /)
    expect(yaml.stdout).toContain("kind: Secret")
    expect(yaml.stderr).toContain("~ update web")
    const json = JSON.parse((await maxcloud(["plan", "--manifests", "--json"])).stdout)
    expect(json.manifests.map((each: { readonly kind: string }) => each.kind)).toContain("Namespace")
    expect(JSON.parse((await maxcloud(["plan", "--json"])).stdout)).toEqual({ ...json, manifests: null })
    const all = await maxcloud(["plan", "--all", "--manifests"])
    expect([all.code, all.stdout]).toEqual([0, yaml.stdout])
    for (const text of [yaml.stdout, JSON.stringify(json)]) {
      for (const hidden of [value, "another"]) expect(text).not.toContain(hidden)
    }
  }, 60_000)
})

describe("a deployment by its number", () => {
  it("is shown with its author and state, or as the app that it deployed", async () => {
    const shown = await maxcloud(["deployments", "show", "1"])
    expect(shown.code).toBe(0)
    expect(shown.stdout).toMatch(/state +succeeded/)
    expect(shown.stdout).toMatch(/message +approved/)
    expect(shown.stdout).toMatch(/web +create +ready +http/)
    const [{ id } = { id: "" }] = await cloud.client.deployments.list("shop")
    expect((await maxcloud(["deployments", "show", id])).stdout).toContain(id)
    const spec = JSON.parse((await maxcloud(["deployments", "show", "1", "--spec"])).stdout)
    expect(spec).toEqual((await cloud.client.deployments.spec("shop", 1)).spec)
    const all = JSON.parse((await maxcloud(["deployments", "show", "1", "--spec", "--json"])).stdout)
    expect(all).toMatchObject({ deployment: { number: 1 }, spec, secretVersions: { TOKEN: 1 }, images: {} })
    expect(JSON.stringify(all)).not.toContain(value)
    expect((await maxcloud(["deployments", "show", "9"])).code).toBe(5)
    expect((await maxcloud(["deployments", "show", "x"])).code).toBe(2)
  }, 60_000)
})
