import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import type { DeployProgress } from "@maxcloud/sdk"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { type Embedded, embedded } from "./index.ts"

const program = `require("node:http").createServer((_, answer) => answer.end("1")).listen(process.env.PORT)`

let cloud: Embedded
let folder: string
const specOf = (app: string, env: Readonly<Record<string, string>> = {}) => ({
  app,
  services: [{ name: "web", source: { path: "." }, command: ["node", "app.cjs"] as const, env }]
})

beforeAll(async () => {
  folder = temporaryFolder("maxcloud-plans-")
  writeFileSync(join(folder, "app.cjs"), program)
  cloud = await embedded()
})
afterAll(() => cloud?.[Symbol.asyncDispose]())

const send = async (path: string, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
  const answer = await fetch(`${cloud.url}/api/v1/apps/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body)
  })
  return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) }
}

describe("a plan over HTTP", () => {
  const path = "http/stages/production"
  const spec = { app: "http", services: [] }

  it("has its id as ETag, which If-Match or the body accepts once", async () => {
    const plan = await send(`${path}/plan`, { spec })
    expect(plan.status).toBe(200)
    expect(plan.body).toMatchObject({ basedOn: null, manifests: null, images: {}, secretVersions: {} })
    const etag = plan.headers.get("etag") ?? ""
    expect(etag).toBe(`"${plan.body.id}"`)

    const changed = { spec: { ...spec, outputs: { A: "b" } } }
    expect((await send(`${path}/deployments`, changed, { "if-match": etag })).status).toBe(412)
    const first = await send(`${path}/deployments`, { spec }, { "if-match": etag })
    expect([first.status, first.body.number]).toEqual([202, 1])
    for (const [body, headers] of [
      [{ spec }, { "if-match": etag }],
      [{ spec, plan: plan.body.id }, {}]
    ] as const) {
      const refused = await send(`${path}/deployments`, body, headers)
      expect(refused.headers.get("content-type")).toMatch(/^application\/problem\+json/)
      expect(refused.body).toMatchObject({
        type: "/problems/plan-outdated",
        title: "Plan outdated",
        status: 412,
        code: "plan_outdated",
        basedOn: null,
        newestDeployment: 1,
        instance: `/api/v1/apps/${path}/deployments`
      })
    }
    expect((await fetch(`${cloud.url}/problems/plan-outdated`)).status).toBe(200)
    const next = await send(`${path}/plan`, { spec, manifests: true })
    expect(next.body).toMatchObject({ basedOn: 1, manifests: expect.any(Array) })
    const second = await send(`${path}/deployments`, { spec, plan: next.body.id }, { "if-match": `"${next.body.id}"` })
    expect([second.status, second.body.number]).toEqual([202, 2])
  })

  it("is refused in any other form, with the correct one", async () => {
    const { body } = await send(`${path}/plan`, { spec })
    const id: string = body.id
    const other = id.replace(/.$/, (last) => (last === "0" ? "1" : "0"))
    const refusals: ReadonlyArray<readonly [object, Readonly<Record<string, string>>, RegExp]> = [
      [{ spec }, { "if-match": "*" }, /ETag of one plan/],
      [{ spec }, { "if-match": id }, /ETag of one plan/],
      [{ spec }, { "if-match": `"${id}", "${id}"` }, /ETag of one plan/],
      [{ spec }, { "if-match": `W/"${id}"` }, /weak entity tag.*`plan` in the body/],
      [{ spec }, { "if-match": `"${"x".repeat(500)}"` }, /200/],
      [{ spec, plan: "plan_1" }, {}, /isn't a plan's id/],
      [{ spec, plan: 7 }, {}, /plan|text/],
      [{ spec, plan: id }, { "if-match": `"${other}"` }, /different plans/],
      [{ fromDeployment: 1, plan: id }, {}, /sent as `spec`/],
      [{ fromDeployment: 1 }, { "if-match": `"${id}"` }, /sent as `spec`/]
    ]
    for (const [sent, headers, says] of refusals) {
      const refused = await send(`${path}/deployments`, sent, headers)
      expect([refused.status, refused.body.code], JSON.stringify([sent, headers, refused.body])).toEqual([
        400,
        "invalid_request"
      ])
      expect(JSON.stringify(refused.body)).toMatch(says)
    }
  })

  it("lets a deployment be read by its number", async () => {
    const read = async (number: string) => {
      const answer = await fetch(`${cloud.url}/api/v1/apps/${path}/deployments/${number}`)
      return [answer.status, JSON.parse(await answer.text())] as const
    }
    const [status, found] = await read("1")
    expect([status, found.number, found.app]).toEqual([200, 1, "http"])
    expect((await read("99"))[0]).toBe(404)
    expect((await read("x"))[0]).toBe(400)
  })
})

describe("a plan of the SDK", () => {
  it("is a file that deploys what was planned: the source at that time, its message, its stage", async () => {
    const { client } = cloud
    const told: Array<DeployProgress["_tag"]> = []
    const prepared = await client.preparePlan(specOf("file"), {
      folder,
      stage: "dev",
      message: "Approve me",
      metadata: { commit: "abc" },
      onProgress: ({ _tag }) => told.push(_tag)
    })
    expect(told).toEqual(["uploading"])
    const file: typeof prepared = JSON.parse(JSON.stringify(prepared))
    expect(file).toEqual(prepared)
    const source = file.spec.services[0]?.source
    const digest = typeof source === "object" ? source.digest : undefined
    expect(digest).toMatch(/^sha256:/)
    expect(file.plan.manifests?.length).toBeGreaterThan(1)

    // Changes to the folder after the plan weren't approved.
    writeFileSync(join(folder, "app.cjs"), program.replace('"1"', '"2"'))
    const deployed = await client.deploy(file, { metadata: { approvedBy: "ada" } })
    expect(deployed).toMatchObject({ number: 1, stage: "dev", message: "Approve me" })
    expect(deployed.metadata).toEqual({ commit: "abc", approvedBy: "ada" })
    const { spec } = await client.deployments.spec("file", 1, { stage: "dev" })
    expect(spec.services[0]?.source).toMatchObject({ digest })
    expect((await client.deployments.byNumber("file", 1, { stage: "dev" })).id).toBe(deployed.id)

    await expect(client.deploy(file)).rejects.toMatchObject({ _tag: "PlanOutdated", newestDeployment: 1 })
    const altered = { ...file, spec: { ...file.spec, services: [] } }
    await expect(client.deploy(altered)).rejects.toMatchObject({ _tag: "PlanOutdated" })
    expect(await client.plan(file)).toMatchObject({ basedOn: 1, stage: "dev" })
  })

  it("binds a deploy of the same config, and fails if the source has changed", async () => {
    const { client } = cloud
    const plan = await client.plan(specOf("bound"), { folder })
    const id = plan.id ?? expect.unreachable("the plan has no id")
    writeFileSync(join(folder, "app.cjs"), program.replace('"1"', '"3"'))
    await expect(client.deploy(specOf("bound"), { folder, plan: id })).rejects.toMatchObject({
      _tag: "PlanOutdated",
      basedOn: null
    })
    const again = (await client.plan(specOf("bound"), { folder })).id ?? expect.unreachable("the plan has no id")
    expect((await client.deploy(specOf("bound"), { folder, plan: again })).number).toBe(1)
  })

  it("isn't written to a file if it has problems, and a damaged file is refused before any request", async () => {
    const { client } = cloud
    const broken = { app: "none", services: [{ name: "web", image: "x", env: { K: { secret: "UNSET" } } }] }
    await expect(client.preparePlan(broken)).rejects.toMatchObject({ _tag: "InvalidSpec" })
    await expect(client.preparePlan(specOf("none"), { folder, plan: "x" } as object)).rejects.toMatchObject({
      _tag: "InvalidRequest"
    })
    const file = await client.preparePlan(specOf("damaged"), { folder })
    const damaged: ReadonlyArray<readonly [object, RegExp]> = [
      [{ ...file, version: 2 }, /version 2.*reads version 1/],
      [{ ...file, plan: { ...file.plan, id: null } }, /plan/],
      [{ ...file, plan: { ...file.plan, id: "plan_x" } }, /isn't a plan's id/],
      [{ ...file, message: "x".repeat(5_000) }, /1000|1,000/],
      [{ kind: "maxcloud-plan" }, /version|missing/]
    ]
    for (const [each, says] of damaged) {
      await expect(client.deploy(each as typeof file)).rejects.toMatchObject({
        _tag: "InvalidRequest",
        message: expect.stringMatching(says)
      })
    }
    await expect(client.deploy(file, { stage: "dev" })).rejects.toMatchObject({ message: /its own stage/ })
  })
})
