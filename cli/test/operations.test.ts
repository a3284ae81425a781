import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@effect/vitest"
import { parse } from "yaml"
import { makeFolder, run } from "./cli.ts"

const now = "2026-01-01T00:00:00.000Z"
const serviceId = `svc_${"0".repeat(32)}`
const deploymentId = `dep_${"1".repeat(32)}`

const service = (state: string, diagnosis: unknown = null) => ({
  id: serviceId,
  name: "web",
  app: "shop",
  stage: "production",
  organization: "local",
  spec: { name: "web", image: "nginx:1", env: {}, visibility: "public" },
  status: {
    state,
    url: "http://web.localhost:8080",
    digest: null,
    conditions: [],
    latestCreatedRevision: null,
    latestReadyRevision: null,
    traffic: [],
    diagnosis,
    instances: 0
  },
  deployment: 1,
  createdAt: now,
  updatedAt: now
})

const wrongPort = {
  code: "WrongPort",
  message: "it listens on port 3000, not on 8080",
  evidence: ["the container is running", "connection to port 8080 refused"],
  fix: "Write `port: 3000` in the config.",
  certain: false
}

interface Asked {
  readonly line: string
  readonly body: string
}

const asked: Array<Asked> = []
const answers = new Map<
  string,
  { readonly status: number; readonly body: unknown; readonly headers?: Record<string, string> }
>()
const answer = (line: string, body: unknown, status = 200) => answers.set(line, { status, body })
const server = createServer(async (request, response) => {
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk)
  const path = (request.url ?? "").split("?")[0]
  const line = `${request.method} ${path}`
  asked.push({ line: `${request.method} ${request.url}`, body: Buffer.concat(chunks).toString() })
  const answered = answers.get(line)
  const body = typeof answered?.body === "function" ? answered.body() : answered?.body
  const found = answered === undefined ? undefined : { status: answered.status, body }
  if (typeof found?.body === "string") response.writeHead(200, { "content-type": "text/event-stream" }).end(found.body)
  else if (found?.body === undefined) response.writeHead(found?.status ?? 404, answered?.headers).end()
  else response.writeHead(found.status, { "content-type": "application/json" }).end(JSON.stringify(found.body))
})
const env: { MAXCLOUD_API_URL: string } = { MAXCLOUD_API_URL: "" }
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  env.MAXCLOUD_API_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())
beforeEach(() => {
  asked.length = 0
  answers.clear()
})
const cli = (args: ReadonlyArray<string>, more: Parameters<typeof run>[1] = {}) =>
  run(args, { ...more, env: { ...env, ...more.env } })

describe("delete", () => {
  const deploymentService = (name: string, action: string, state: string, rest: object = {}) => ({
    name,
    action,
    state,
    revision: null,
    url: null,
    reason: "Pending",
    message: "",
    image: null,
    logTail: [],
    diagnosis: null,
    ...rest
  })
  const deployment = (state: string, services: ReadonlyArray<object>) => ({
    id: deploymentId,
    app: "shop",
    stage: "production",
    number: 2,
    kind: "deploy",
    fromDeployment: null,
    createdBy: null,
    message: null,
    metadata: {},
    status: { state, reason: "", message: "" },
    services,
    warnings: [],
    createdAt: now,
    startedAt: now,
    finishedAt: null
  })
  const events = (...all: ReadonlyArray<object>) =>
    all
      .map(
        (value, index) =>
          `id: ${index + 1}\ndata: ${JSON.stringify({ id: index + 1, at: now, service: null, message: "", deployment: null, ...value })}\n\n`
      )
      .join("")

  const deletes = (deployment: object) => {
    answers.set(`DELETE /api/v1/services/${serviceId}`, {
      status: 204,
      body: undefined,
      headers: { link: `</api/v1/deployments/${deploymentId}>; rel="monitor"` }
    })
    answer(`GET /api/v1/deployments/${deploymentId}`, deployment)
  }

  it("finishes when the service is gone, whatever its siblings do", async () => {
    const rest = [deploymentService("api", "unchanged", "failed"), deploymentService("web", "delete", "pending")]
    answer("GET /api/v1/services", [service("ready")])
    deletes(deployment("queued", rest))
    // The deployment continues as long as the sibling isn't ready, so no `finished` event comes here.
    answer(
      `GET /api/v1/deployments/${deploymentId}/events`,
      events({ type: "service", service: "web", reason: "Deleted" })
    )
    const { code, stderr } = await cli(["delete", "web", "--yes"])
    expect([code, stderr.split("\n").at(-2)]).toEqual([0, "web is deleted"])
  })

  it("says why a service wasn't removed", async () => {
    const message = 'It stays until "api" is ready. Until then, a revision of "api" that calls "web" may still run.'
    const stays = deploymentService("web", "delete", "pending", { reason: "StillCalled", message })
    const failed = deployment("failed", [
      deploymentService("api", "unchanged", "failed", { reason: "ExitCode1", message: "It exited with code 1." }),
      stays
    ])
    answer("GET /api/v1/services", [service("ready")])
    deletes(deployment("queued", failed.services))
    answer(
      `GET /api/v1/deployments/${deploymentId}/events`,
      events(
        { type: "service", service: "web", reason: "StillCalled", message },
        { type: "finished", reason: "ServiceFailed", deployment: failed }
      )
    )
    const { code, stderr } = await cli(["delete", "web", "--yes"])
    expect(code).toBe(7)
    expect(stderr).toContain(`web: ${message}`)
    expect(stderr).toContain(`  web wasn't removed: ${message}\n`)
    expect(stderr).not.toContain("web is deleted")
  })
})

describe("pause and resume", () => {
  it("confirm the change, and name the command that undoes it", async () => {
    answer("GET /api/v1/services", [service("ready")])
    answer(`POST /api/v1/services/${serviceId}/pause`, service("paused"))
    answer(`POST /api/v1/services/${serviceId}/resume`, service("idle"))
    const [paused, resumed] = await Promise.all([cli(["pause", "web"]), cli(["resume", "web", "--json"])])
    expect([paused.code, paused.stdout]).toEqual([0, ""])
    expect(paused.stderr).toBe("web is paused: `maxcloud resume web` resumes it\n")
    expect(JSON.parse(resumed.stdout)).toMatchObject({ service: { name: "web", status: { state: "idle" } } })
    answer("GET /api/v1/services", [])
    expect((await cli(["pause", "web"])).code).toBe(5)
  })
})

describe("restart", () => {
  const restartLine = `POST /api/v1/services/${serviceId}/restart`
  const serviceLine = `GET /api/v1/services/${serviceId}`
  const at = (created: string, ready: string, state: string, diagnosis: unknown = null) => {
    const found = service(state, diagnosis)
    return { ...found, status: { ...found.status, latestCreatedRevision: created, latestReadyRevision: ready } }
  }
  const accepted = { service: at("web-00001", "web-00001", "ready"), replaces: "web-00001" }
  beforeEach(() => {
    answer("GET /api/v1/services", [service("ready")])
    answer(restartLine, accepted, 202)
  })

  it("waits until the new revision serves, and reports its state", async () => {
    const looks = ["web-00001", "web-00002", "web-00002"]
    answer(serviceLine, () => {
      const created = looks.shift() ?? "web-00002"
      return at(created, looks.length > 0 ? "web-00001" : "web-00002", "ready")
    })
    const { code, stderr, stdout } = await cli(["restart", "web"])
    expect([code, stdout]).toEqual([0, ""])
    expect(stderr).toMatch(/^restarting web \(production\)\n +[\d.]+s {2}web: ready, web-00002\n/)
    expect(stderr).toMatch(/web is restarted: revision web-00002 serves after [\d.]+s\n$/)

    answer(serviceLine, at("web-00002", "web-00002", "idle"))
    const json = await cli(["restart", "web", "--json"])
    expect(JSON.parse(json.stdout)).toMatchObject({ service: { status: { latestReadyRevision: "web-00002" } } })
  })

  it("exits with 7 if the new revision doesn't serve, with 8 if it takes too long, and doesn't wait with --detach", async () => {
    answer(serviceLine, at("web-00002", "web-00001", "failed", wrongPort))
    const failed = await cli(["restart", "web"])
    expect(failed.code).toBe(7)
    expect(failed.stderr).toContain("the restart of web (production) failed: it listens on port 3000, not on 8080")
    answer(serviceLine, at("web-00001", "web-00001", "ready"))
    const [late, detached] = await Promise.all([
      cli(["restart", "web", "--wait-timeout", "1s"]),
      cli(["restart", "web", "--detach", "--json"])
    ])
    expect(late.code).toBe(8)
    expect(late.stderr).toContain("web wasn't restarted within 1s")
    expect(JSON.parse(detached.stdout)).toMatchObject({ service: { name: "web" } })
    answer(
      restartLine,
      {
        type: "/problems/conflict",
        title: "Conflict",
        status: 409,
        detail: "it is paused",
        code: "conflict"
      },
      409
    )
    expect((await cli(["restart", "web"])).code).toBe(6)
  })
})

describe("drift", () => {
  const path = "GET /api/v1/apps/shop/stages/production/drift"
  const record = {
    app: "shop",
    stage: "production",
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    name: "web",
    change: "edited",
    manager: "kubectl-edit",
    fields: ["spec.a", "spec.b", "spec.c", "spec.d"],
    noticedAt: now,
    healedAt: null
  }

  const leftAlonePath = `${path}/left-alone`
  const field = {
    apiVersion: "v1",
    kind: "Namespace",
    name: "mc-shop--acme",
    path: "metadata.labels[team]",
    manager: "kubectl-label",
    since: now
  }
  beforeEach(() => {
    answer(leftAlonePath, { fields: [], complete: true })
    answer("GET /api/v1/apps/shop/stages/production/suspension", { suspension: null })
  })

  it("lists the fields of others that are left alone, in a part of their own", async () => {
    answer(path, [])
    const leftAlone = { fields: [field, { ...field, path: "metadata.labels[cost]" }], complete: false }
    answer(leftAlonePath, leftAlone)
    const [text, json] = await Promise.all([cli(["drift", "--app", "shop"]), cli(["drift", "-a", "shop", "--json"])])
    expect([text.code, json.code]).toEqual([0, 0])
    const [header, row, more] = text.stdout.split("\n")
    expect(header).toMatch(/^OBJECT +SET BY +SINCE +LEFT ALONE$/)
    expect(row).toMatch(
      /^Namespace\/mc-shop--acme +kubectl-label .+ago +metadata.labels\[team\], metadata.labels\[cost\]$/
    )
    expect(more).toBe("There are more. `--json` shows each field.")
    expect(JSON.parse(json.stdout)).toEqual({ drift: [], leftAlone, suspension: null })
  })

  it("shows the drift if the cluster can't be asked for them", async () => {
    answer(path, [record])
    answer(
      leftAlonePath,
      {
        type: "/problems/unavailable",
        title: "Unavailable",
        status: 503,
        code: "unavailable",
        detail: "The cluster has been unreachable since 12:00.",
        retryAfterSeconds: 2
      },
      503
    )
    const [text, json] = await Promise.all([cli(["drift", "--app", "shop"]), cli(["drift", "-a", "shop", "--json"])])
    expect([text.code, json.code]).toEqual([0, 0])
    expect(text.stdout).toContain("Service/web")
    expect(text.stderr).toContain(
      "Couldn't list the fields that are left alone: The cluster has been unreachable since"
    )
    expect(JSON.parse(json.stdout)).toMatchObject({ drift: [{ name: "web" }], leftAlone: null })
  })

  it("shows who changed what, and whether it was reverted", async () => {
    answer(path, [record, { ...record, change: "deleted", manager: null, fields: [], healedAt: now }])
    const [table, json] = await Promise.all([cli(["drift", "--app", "shop"]), cli(["drift", "-a", "shop", "--json"])])
    const [header, edited, deleted] = table.stdout.split("\n")
    expect(header).toMatch(/^NOTICED +OBJECT +CHANGE +BY +REVERTED +FIELDS$/)
    expect(edited).toMatch(/ago +Service\/web +edited +kubectl-edit +not yet +spec.a, spec.b, spec.c and 1 more$/)
    expect(deleted).toMatch(/ago +Service\/web +deleted +\S+ ago$/)
    expect(JSON.parse(json.stdout).drift).toHaveLength(2)
  })

  it("says so if there is none", async () => {
    answer(path, [])
    const { code, stderr, stdout } = await cli(["drift", "--app", "shop"])
    expect([code, stdout, stderr]).toEqual([
      0,
      "",
      "no drift: nobody else has changed objects of shop in the cluster\n"
    ])
  })
})

describe("suspend", () => {
  const path = "apps/shop/stages/production/suspension"
  const suspension = {
    since: now,
    until: new Date(Date.now() + 24 * 3_600_000).toISOString(),
    reason: "Hotfix",
    createdBy: { type: "person", id: "usr_1", name: "ada@example.com" }
  }

  it("suspends with a reason, shows who did it until when, and ends it", async () => {
    answer(`PUT /api/v1/${path}`, suspension)
    const suspended = await cli(["suspend", "--app", "shop", "--for", "24h", "--reason", "Hotfix"])
    expect(suspended.code).toBe(0)
    expect(suspended.stderr).toMatch(
      /^shop is suspended by ada@example\.com: "Hotfix"\. .* It ends in 1d \(.*Z\), or with `maxcloud suspend --app shop --end`\n$/
    )
    answer(`GET /api/v1/${path}`, { suspension })
    expect(JSON.parse((await cli(["suspend", "--app", "shop", "--json"])).stdout)).toEqual({ suspension })
    answer("GET /api/v1/apps/shop/stages/production/drift", [])
    expect((await cli(["drift", "--app", "shop"])).stderr).toContain("shop is suspended by ada@example.com")
    answer(`GET /api/v1/${path}`, { suspension: null })
    expect((await cli(["suspend", "--app", "shop"])).stderr).toContain("shop isn't suspended")
    answer(`DELETE /api/v1/${path}`, undefined, 204)
    const none = await cli(["suspend", "--app", "shop", "--end"])
    expect([none.code, none.stderr]).toEqual([0, "shop isn't suspended, so nothing has ended\n"])

    answer(`GET /api/v1/${path}`, { suspension })
    const deployments = "GET /api/v1/apps/shop/stages/production/deployments"
    answer(deployments, [])
    const reverts = "shop isn't suspended any more: max-cloud reverts what others changed in the cluster"
    expect((await cli(["suspend", "--app", "shop", "--end"])).stderr).toBe(`${reverts}\n`)
    answer(deployments, [
      {
        id: deploymentId,
        app: "shop",
        stage: "production",
        number: 7,
        kind: "deploy",
        fromDeployment: null,
        createdBy: null,
        message: null,
        metadata: {},
        status: { state: "failed", reason: "FieldConflict", message: "ksvc/web: spec" },
        services: [],
        warnings: [],
        createdAt: now,
        startedAt: now,
        finishedAt: now
      }
    ])
    expect((await cli(["suspend", "--app", "shop", "--end"])).stderr).toBe(
      `${reverts}, except the fields that deployment 7 failed on with FieldConflict: they stay until \`maxcloud deploy --force-conflicts\` overwrites them\n`
    )
  })

  it("refuses an end beyond a day, and flags that don't go together, before it asks the server", async () => {
    const wrong = [
      ["--for", "2d", "--reason", "a"],
      ["--for", "1s", "--reason", "a"],
      ["--for", "1h"],
      ["--reason", "  "],
      ["--end", "--reason", "a"]
    ]
    for (const args of wrong) {
      expect((await cli(["suspend", "--app", "shop", ...args])).code, args.join(" ")).toBe(2)
    }
  })
})

describe("usage", () => {
  it("is shown in hours, for the requested time", async () => {
    const usage = { app: "shop", stage: "production", service: "web", instances: 3, running: 1 }
    const report = { since: now, until: now, services: [] as Array<unknown> }
    answer("GET /api/v1/usage", report)
    expect((await cli(["usage"])).stderr).toBe(`no instance ran between ${now} and ${now}\n`)
    report.services.push({ ...usage, instanceSeconds: 7200, cpuSeconds: 3600, memoryGibSeconds: 900 })
    const { stdout } = await cli(["usage", "--since", "30d", "--until", "1h"])
    expect(asked.at(-1)?.line).toBe("GET /api/v1/usage?since=30d&until=1h")
    expect(stdout).toMatch(/\nweb +shop +production +3 +1 +2\.00 +1\.00 +0\.25\n$/)
    expect((await cli(["usage", "--since", "yesterday"])).code).toBe(2)
  })
})

describe("registries", () => {
  const info = { host: "ghcr.io:5000", username: "ada", updatedAt: now }

  it("takes the password only from standard input, and never shows it", async () => {
    answer("PUT /api/v1/registries/ghcr.io:5000", info)
    const login = ["registries", "login", "ghcr.io:5000"]
    const done = await cli([...login, "--username", "ada"], { stdin: "s3cret\n" })
    expect(done.code).toBe(0)
    expect(JSON.parse(asked[0]?.body ?? "")).toEqual({ username: "ada", password: "s3cret" })
    expect(done.stdout + done.stderr).not.toContain("s3cret")
    const wrong = await Promise.all([
      cli(login, { stdin: "s3cret" }),
      cli([...login, "--username", "ada"], { stdin: "\n" }),
      cli([...login, "--username", "ada", "--password", "s3cret"]),
      cli(["registries", "login", "https://ghcr.io", "--username", "ada"], { stdin: "s3cret" })
    ])
    expect(wrong.map((each) => each.code)).toEqual([2, 2, 2, 2])
    expect(asked).toHaveLength(1)
  })

  it("are listed and deleted", async () => {
    answer("GET /api/v1/registries", [info])
    answer("DELETE /api/v1/registries/ghcr.io:5000", undefined, 204)
    const [list, logout] = await Promise.all([
      cli(["registries", "list"]),
      cli(["registries", "logout", "ghcr.io:5000", "--json"])
    ])
    expect(list.stdout).toMatch(/^HOST +USER +UPDATED\nghcr\.io:5000 +ada +\S+ ago\n$/)
    expect(JSON.parse(logout.stdout)).toEqual({ host: "ghcr.io:5000" })
    answer("GET /api/v1/registries", [])
    expect((await cli(["registries", "list"])).stderr).toContain("maxcloud registries login")
  })
})

describe("explain", () => {
  it("explains a code in the language of the flag, the variable or the system", async () => {
    const system = { LC_ALL: "", LC_MESSAGES: "", MAXCLOUD_LANG: "" }
    const [english, german, variable, flag, json] = await Promise.all([
      cli(["explain", "out-of-memory"], { env: { ...system, LANG: "C.UTF-8" } }),
      cli(["explain", "OutOfMemory"], { env: { ...system, LANG: "de_DE.UTF-8" } }),
      cli(["explain", "OutOfMemory"], { env: { ...system, LANG: "de_DE.UTF-8", MAXCLOUD_LANG: "en" } }),
      cli(["explain", "OutOfMemory", "--lang", "de"], { env: { ...system, MAXCLOUD_LANG: "en" } }),
      cli(["explain", "OutOfMemory", "--json"], { env: { ...system, LC_ALL: "de_AT", LANG: "en_US" } })
    ])
    expect(english.stdout).toMatch(/^OutOfMemory: [\s\S]+Causes\n {2}- [\s\S]+What to do\n {2}1\. /)
    expect(german.stdout).toMatch(/Was zu tun ist\n {2}1\. /)
    expect(variable.stdout).toBe(english.stdout)
    expect(flag.stdout).toBe(german.stdout)
    expect(JSON.parse(json.stdout)).toMatchObject({ code: "OutOfMemory", language: "de" })
    expect(asked).toEqual([])
  })

  it("lists all codes, and suggests the intended one", async () => {
    const [all, near, far, language] = await Promise.all([
      cli(["explain"]),
      cli(["explain", "OutOfMemroy"]),
      cli(["explain", "Nothing-like-it"]),
      cli(["explain", "OutOfMemory", "--lang", "fr"])
    ])
    expect(all.stdout.split("\n").length).toBeGreaterThan(20)
    expect(near.stderr).toContain("did you mean `maxcloud explain OutOfMemory`?")
    expect(far.stderr).toContain("`maxcloud explain` lists them")
    expect([all.code, near.code, far.code, language.code]).toEqual([0, 2, 2, 2])
  })
})

describe("export", () => {
  it("prints manifests without max-cloud in them, and says what to fill in", async () => {
    const cwd = makeFolder({
      "app.yaml":
        "app: shop\nservices:\n  - name: web\n    image: nginx:1\n    port: 80\n    env: { KEY: { secret: KEY } }\n",
      "source.yaml": "app: shop\nservices:\n  - name: web\n    source: { path: . }\n"
    })
    const [printed, bare, source, namespace] = await Promise.all([
      cli(["export", "-f", "app.yaml", "--namespace", "team--a"], { cwd }),
      cli(["export", "-f", "app.yaml", "--without-policies", "--json"], { cwd }),
      cli(["export", "-f", "source.yaml"], { cwd }),
      cli(["export", "-f", "app.yaml", "-n", "Team"], { cwd })
    ])
    expect(printed.stdout).toContain("namespace: team--a")
    expect(printed.stdout).toMatch(/# Fill in [^\n]+\n# KEY: the secret KEY\napiVersion: v1\nkind: Secret/)
    expect(printed.stdout).not.toContain("maxcloud")
    expect(printed.stderr).toMatch(/^fill in: the values of web--/)
    const { manifests } = JSON.parse(bare.stdout)
    const kinds = manifests.map((manifest: { kind: string; metadata: { namespace: string } }) => [
      manifest.kind,
      manifest.metadata.namespace
    ])
    expect(kinds).toEqual([
      ["ServiceAccount", "default"],
      ["Secret", "default"],
      ["Service", "default"]
    ])
    expect(source.stderr).toContain("build an image of it")
    expect([printed.code, bare.code, source.code, namespace.code]).toEqual([0, 0, 2, 2])
    expect(asked).toEqual([])
  })

  it("writes a folder for Flux and Argo CD, without Secrets, and keeps it current", async () => {
    const app = (service: string) =>
      `app: shop\nservices:\n  - name: web\n    image: nginx:1\n    env: { KEY: { secret: KEY } }\n  - name: ${service}\n    image: api:1\n  - name: kustomization\n    image: api:1\n`
    const cwd = makeFolder({ "app.yaml": app("api"), "taken/kustomization.yaml": "resources: []\n" })
    const gitops = (...args: ReadonlyArray<string>) => cli(["export", "-f", "app.yaml", "-n", "shop", ...args], { cwd })
    const first = await gitops("--gitops")
    const texts = () =>
      Object.fromEntries(
        readdirSync(join(cwd, "gitops")).map((name) => [name, readFileSync(join(cwd, "gitops", name), "utf8")])
      )
    expect(first.code).toBe(0)
    expect(first.stderr).toMatch(/^wrote [^\n]+kustomization.yaml\n[\s\S]+fill in: the Secrets web--\S+ are yours/)
    const before = texts()
    expect(Object.keys(before).sort()).toEqual(["_kustomization.yaml", "api.yaml", "kustomization.yaml", "web.yaml"])
    expect(Object.values(before).join("")).not.toContain("kind: Secret")
    expect(before["web.yaml"]).toContain("secretKeyRef")
    expect(before["kustomization.yaml"]).toMatch(/# The Secret web--[\s\S]+# {3}KEY: the secret KEY\n/)
    expect(parse(before["kustomization.yaml"] ?? "")).toEqual({
      apiVersion: "kustomize.config.k8s.io/v1beta1",
      kind: "Kustomization",
      resources: ["_kustomization.yaml", "api.yaml", "web.yaml"]
    })

    writeFileSync(join(cwd, "gitops/patch.yaml"), "mine: true\n")
    writeFileSync(join(cwd, "app.yaml"), app("back"))
    const second = await gitops("--gitops", "--json")
    expect(JSON.parse(second.stdout)).toMatchObject({
      files: ["kustomization.yaml", "_kustomization.yaml", "back.yaml", "web.yaml"],
      removed: ["api.yaml"],
      secrets: [{ name: expect.stringMatching(/^web--/) }]
    })
    expect(Object.keys(texts()).sort()).toEqual([
      "_kustomization.yaml",
      "back.yaml",
      "kustomization.yaml",
      "patch.yaml",
      "web.yaml"
    ])

    const [taken, without] = await Promise.all([gitops("--gitops", "--out", "taken"), gitops("--out", "somewhere")])
    expect(taken.stderr).toContain("kustomization.yaml, which `maxcloud export --gitops` didn't write")
    expect(readdirSync(join(cwd, "taken"))).toEqual(["kustomization.yaml"])
    expect(without.stderr).toContain("--out needs --gitops")
    expect([taken.code, without.code]).toEqual([1, 2])
  })
})

describe("a diagnosis", () => {
  const deployment = (state: string, service: string) => ({
    id: deploymentId,
    app: "web",
    stage: "production",
    number: 3,
    kind: "deploy",
    fromDeployment: null,
    createdBy: null,
    message: null,
    metadata: {},
    status: { state, reason: "ServiceFailed", message: "" },
    services: [
      {
        name: "web",
        action: "create",
        state: service,
        revision: "web-00001",
        url: null,
        reason: "WrongPort",
        message: wrongPort.message,
        logTail: ["listening on \u001b]0;title\u00073000"],
        diagnosis: wrongPort
      }
    ],
    warnings: [],
    createdAt: now,
    startedAt: now,
    finishedAt: null
  })
  const event = (id: number, type: string, message: string, carried: unknown = null) => {
    const data = { id, at: now, type, service: type === "service" ? "web" : null, reason: "R", message }
    return `id: ${id}\nevent: deployment\ndata: ${JSON.stringify({ ...data, deployment: carried })}\n\n`
  }

  it("is printed by deploy as soon as it is known, and at the end with its evidence and its fix", async () => {
    answer("GET /api/v1/services", [])
    answer("POST /api/v1/apps/web/stages/production/deployments", deployment("queued", "pending"), 202)
    const away = "The cluster has been unreachable since 12:00:00. Retrying."
    answer(
      `GET /api/v1/deployments/${deploymentId}/events`,
      [
        event(1, "warning", away),
        event(2, "warning", away),
        event(3, "service", "", deployment("running", "pending")),
        event(4, "finished", "", deployment("failed", "failed"))
      ].join("")
    )
    const { code, stderr } = await cli(["deploy", "--name", "web", "nginx", "--force-conflicts"])
    expect(code).toBe(7)
    expect(stderr.match(/cluster has been unreachable/g)).toHaveLength(1)
    expect(stderr).toContain("web: pending, it listens on port 3000, not on 8080")
    expect(stderr).toContain(
      [
        "  web: WrongPort: it listens on port 3000, not on 8080",
        "    | listening on 3000",
        "    seen: the container is running",
        "    seen: connection to port 8080 refused",
        "    fix: Write `port: 3000` in the config.",
        "    more: `maxcloud explain WrongPort`"
      ].join("\n")
    )
    expect(JSON.parse(asked.find((line) => line.line.startsWith("POST"))?.body ?? "")).toMatchObject({
      forceConflicts: true
    })
    const json = await cli(["deploy", "--name", "web", "nginx", "--json"])
    expect(JSON.parse(json.stdout.trim().split("\n").at(-1) ?? "")).toMatchObject({
      error: { code: "deployment_failed", deployment: { services: [{ diagnosis: { code: "WrongPort" } }] } }
    })
  })

  it("keeps the lines of any other reason, and none of them can look like one of ours", async () => {
    const message = "npm ci failed\nnpm error code EUSAGE\n\nerror: all is well\r\u001b[2Jx"
    const [failed] = deployment("failed", "failed").services
    const services = [{ ...failed, reason: "BuildFailed", message, diagnosis: null }]
    answer("GET /api/v1/services", [])
    answer("POST /api/v1/apps/web/stages/production/deployments", deployment("queued", "pending"), 202)
    answer(
      `GET /api/v1/deployments/${deploymentId}/events`,
      event(1, "finished", "", { ...deployment("failed", "failed"), services })
    )
    const deployed = await cli(["deploy", "--name", "web", "nginx"])
    const lines = ["npm ci failed", "      npm error code EUSAGE", "      ", "      error: all is wellx"]
    // On stderr an empty line stays empty.
    const indented = lines.map((line) => line.trimEnd())
    expect(deployed.stderr).toContain(`\n  web: ${indented.join("\n")}\n    | listening on 3000\n`)

    const conditions = [{ type: "Ready", status: "false", reason: "RevisionFailed", message, changedAt: now }]
    const found = service("failed", { ...wrongPort, message })
    answer("GET /api/v1/services", [{ ...found, status: { ...found.status, conditions } }])
    answer(`GET /api/v1/services/${serviceId}/revisions`, [])
    const { stdout } = await cli(["describe", "web"])
    expect(stdout).toContain(`\n  WrongPort: ${lines.join("\n")}\n`)
    expect(stdout).toContain(`\n  Ready  false  RevisionFailed  ${lines.join("\n").trimEnd()}\n`)
  })

  it("ends the wait of deploy with --fail-fast, and says that the deployment continues", async () => {
    answer("GET /api/v1/services", [])
    answer("POST /api/v1/apps/web/stages/production/deployments", deployment("queued", "pending"), 202)
    answer(`GET /api/v1/deployments/${deploymentId}/events`, event(1, "service", "", deployment("running", "pending")))
    const { code, stderr } = await cli(["deploy", "--name", "web", "nginx", "--fail-fast"])
    expect(code).toBe(8)
    expect(stderr).toContain("error: a service of web (production) won't become ready\n  web: WrongPort: it listens")
    expect(stderr).toContain(`\`maxcloud deployments wait ${deploymentId}\` follows it`)
  })

  it("of a service that has failed ends the wait for the others with --fail-fast", async () => {
    const running = deployment("running", "failed")
    const services = [
      ...running.services,
      ...deployment("running", "pending").services.map((service) => ({ ...service, diagnosis: null, name: "api" }))
    ]
    answer("GET /api/v1/services", [])
    answer("POST /api/v1/apps/web/stages/production/deployments", deployment("queued", "pending"), 202)
    answer(`GET /api/v1/deployments/${deploymentId}/events`, event(1, "service", "", { ...running, services }))
    const { code, stderr } = await cli(["deploy", "--name", "web", "nginx", "--fail-fast"])
    expect(code).toBe(8)
    expect(stderr).toContain("web: WrongPort: it listens")
    expect(stderr).not.toContain("  api:")
  })

  it("doesn't end the wait if it may be temporary", async () => {
    const slow = { ...deployment("running", "pending") }
    const services = slow.services.map((service) => ({ ...service, diagnosis: { ...wrongPort, code: "NotListening" } }))
    answer("GET /api/v1/services", [])
    answer("POST /api/v1/apps/web/stages/production/deployments", deployment("queued", "pending"), 202)
    answer(
      `GET /api/v1/deployments/${deploymentId}/events`,
      event(1, "service", "", { ...slow, services }) + event(2, "finished", "", deployment("failed", "failed"))
    )
    expect((await cli(["deploy", "--name", "web", "nginx", "--fail-fast"])).code).toBe(7)
  })

  it("is a warning if the service is ready", async () => {
    const ready = deployment("succeeded", "ready")
    const services = ready.services.map((service) => ({
      ...service,
      url: "http://web",
      diagnosis: { ...wrongPort, code: "LoopbackOnly", message: "it listens on loopback alone" }
    }))
    answer("GET /api/v1/services", [])
    answer("POST /api/v1/apps/web/stages/production/deployments", deployment("queued", "pending"), 202)
    answer(`GET /api/v1/deployments/${deploymentId}/events`, event(1, "finished", "", { ...ready, services }))
    const { code, stderr, stdout } = await cli(["deploy", "--name", "web", "nginx"])
    expect(code).toBe(0)
    expect(stderr).toContain("warning: web: LoopbackOnly: it listens on loopback alone\n")
    expect(stderr).toContain("`maxcloud explain LoopbackOnly`")
    expect(stdout).toContain("http://web")
  })

  it("is shown by describe", async () => {
    answer("GET /api/v1/services", [service("failed", wrongPort)])
    answer(`GET /api/v1/services/${serviceId}/revisions`, [])
    const { stdout } = await cli(["describe", "web"])
    expect(stdout).toContain("Diagnosis\n  WrongPort: it listens on port 3000, not on 8080\n  seen: the container")
  })
})

it("accepts only existing runtimes for the server", async () => {
  const { code, stderr } = await cli(["server", "--runtime", "nomad"])
  expect(stderr).toContain("--runtime kubernetes or --runtime local")
  expect(code).toBe(2)
})

describe("a server in local mode, for other users", () => {
  it("has no sign-in: the fix names its user and the server's token", async () => {
    answer(
      "GET /api/v1/services",
      {
        code: "unauthenticated",
        type: "/problems/unauthenticated",
        title: "Not signed in",
        status: 401,
        detail: "This server is in local mode and answers only the user who started it. Use that user's account.",
        localMode: true
      },
      401
    )
    const { code, stderr } = await cli(["list"])
    expect(stderr).toMatch(
      /^error: This server is in local mode and answers only the user who started it\nfix: run this as/
    )
    expect(stderr).toContain("MAXCLOUD_API_KEY")
    expect(stderr).not.toContain("auth login")
    expect(code).toBe(4)
  })
})
