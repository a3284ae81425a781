import { createServer, type RequestListener, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { commands } from "../src/commands/index.ts"
import { main, makeFolder, packageFolder, run, start, webPackage } from "./cli.ts"

/** A server that gives every request the same answer, and records the requests. */
const makeCanned = async () => {
  let answer: RequestListener = (_, response) => void response.end()
  const asked: Array<string> = []
  const bodies: Array<string> = []
  const server: Server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    let body = ""
    request.setEncoding("utf8").on("data", (text: string) => {
      body += text
    })
    request.on("end", () => {
      bodies.push(body)
      answer(request, response)
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    bodies,
    answers: (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}) => {
      answer = (_, response) => {
        response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
      }
    },
    close: () => server.close()
  }
}

let canned: Awaited<ReturnType<typeof makeCanned>>
beforeAll(async () => {
  canned = await makeCanned()
})
afterAll(() => canned.close())

const service = {
  id: `svc_${"0".repeat(32)}`,
  name: "web",
  app: "shop",
  stage: "production",
  organization: "local",
  spec: { name: "web", image: "nginx:1", env: {}, visibility: "public" },
  status: {
    state: "ready",
    url: "http://web.localhost:8080",
    digest: null,
    conditions: [],
    latestCreatedRevision: null,
    latestReadyRevision: null,
    traffic: [],
    diagnosis: null,
    instances: 1
  },
  deployment: 1,
  suspension: null,
  createdAt: "2026-01-01T00:00:00.000Z",
  updatedAt: "2026-01-01T00:00:00.000Z"
}

describe("maxcloud", () => {
  it("answers --version from the package", async () => {
    const outcomes = await Promise.all([run(["--version"]), run(["-v"], { node: [`${packageFolder}/src/main.ts`] })])
    for (const { code, stdout } of outcomes) {
      expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
      expect(code).toBe(0)
    }
  })

  it("prints a one-line fix on an old Node", async () => {
    const folder = makeFolder({
      "old.cjs": `Object.defineProperty(process, "versions", { value: Object.assign({}, process.versions, { node: "18.20.4" }) })`
    })
    const node = ["--require", `${folder}/old.cjs`, main]
    const { code, stderr } = await run(["logs", "my app"], { node })
    expect(stderr).toBe(
      "maxcloud needs Node 22.18 or newer, and this is 18.20.4. Run `npx -y -p node@24 -p @maxcloud/cli maxcloud logs 'my app'`\n"
    )
    expect(code).toBe(2)
  })

  it("lists every command, and shows examples first", async () => {
    const [root, deploy, codes] = await Promise.all([run([]), run(["help", "deploy"]), run(["help", "exit-codes"])])
    for (const { name } of commands) expect(root.stdout).toContain(`  ${name}`)
    expect(deploy.stdout.indexOf("Examples")).toBeLessThan(deploy.stdout.indexOf("Usage"))
    expect(deploy.stdout).toContain("maxcloud deploy --name myapp nginx:latest")
    expect(codes.stdout).toContain("  7  the deployment or restart failed")
    expect([root.code, deploy.code, codes.code]).toEqual([0, 0, 0])
  })

  it("suggests the intended command or flag", async () => {
    const outcomes = await Promise.all([
      run(["depoly"]),
      run(["secrets", "sett"]),
      run(["secrets"]),
      run(["list", "--jsn"]),
      run(["auth", "api-keys", "craete"]),
      run(["auth", "api-kyes", "list"]),
      run(["org", "members"])
    ])
    expect(outcomes.map((outcome) => outcome.stderr)).toEqual([
      'error: unknown command "depoly"\nfix: did you mean `maxcloud deploy`?\n',
      'error: unknown command "secrets sett"\nfix: did you mean `maxcloud secrets set`?\n',
      'error: "secrets" needs a subcommand\nfix: one of: maxcloud secrets set, maxcloud secrets list, maxcloud secrets unset, maxcloud secrets import, maxcloud secrets copy, maxcloud secrets versions, maxcloud secrets rollback\n',
      "error: unknown flag --jsn\nfix: did you mean --json?\n",
      'error: unknown command "auth api-keys craete"\nfix: did you mean `maxcloud auth api-keys create`?\n',
      'error: unknown command "auth api-kyes"\nfix: did you mean `maxcloud auth api-keys`?\n',
      'error: "org members" needs a subcommand\nfix: one of: maxcloud org members list, maxcloud org members role, maxcloud org members remove\n'
    ])
    expect(outcomes.map((outcome) => outcome.code)).toEqual(outcomes.map(() => 2))
  })

  it("knows other tools' names for its commands, and points to the alternatives", async () => {
    const [login, remove, processes, ...pointed] = await Promise.all([
      run(["login", "--help"]),
      run(["help", "rm"]),
      run(["--stage", "dev", "ps", "--help"]),
      ...["status", "rollback", "up", "down"].map((word) => run([word, "web"]))
    ])
    expect(
      [login, remove, processes].map((each) => /maxcloud (auth login|delete|list)/.exec(each?.stdout ?? "")?.[1])
    ).toEqual(["auth login", "delete", "list"])
    for (const { code, stderr } of pointed) {
      expect(code).toBe(2)
      expect(stderr).toMatch(/^error: unknown command "\w+"\nfix: .*`maxcloud /)
    }
    // JavaScript's built-in names are ordinary names here.
    expect((await run(["constructor"])).stderr).toContain('unknown command "constructor"')
  })

  it("exits with 2 for wrong usage, and sends nothing", async () => {
    const before = canned.asked.length
    const env = { MAXCLOUD_API_URL: canned.url }
    const outcomes = await Promise.all(
      [
        ["logs", "--revision", "web-00001"],
        ["logs", "--follow", "--no-follow"],
        ["logs", "web", "--level", "loud"],
        ["logs", "web", "--tail", "many"],
        ["logs", "web", "--since", "yesterday"],
        ["describe", "Not_A_Name"],
        ["list", "--stage", "no--stage"],
        ["deploy", "nginx:latest"],
        ["deploy", "--name", "web"],
        ["deploy", "--name", "web", "nginx", "--env", "NOVALUE"],
        ["deploy", "--memory", "1Gi"],
        ["deploy", "--name", "web", "nginx", "--memory", "lots"],
        ["secrets", "set", "1BAD"],
        ["destroy", "shop"],
        ["completions", "powershell"],
        ["auth", "register", "--email", "ada@example.com"],
        ["auth", "register", "--email", "nobody", "--org", "acme"],
        ["auth", "register", "--email", "ada@example.com", "--org", "Not_A_Name"],
        ["auth", "api-keys", "create"],
        ["auth", "api-keys", "create", "--name", "CI", "--scope", "everything"],
        ["auth", "api-keys", "create", "--name", "CI", "--expires", "soon"],
        ["auth", "api-keys", "create", "--name", "CI", "--role", "king"],
        ["auth", "oidc", "add", "--name", "ci"],
        ["auth", "verify"],
        ["org", "members", "role", "ada@example.com", "king"],
        ["org", "delete", "--grace-days", "91"],
        ["org", "certificate", "era_1"],
        ["audit", "list", "-n", "0"],
        ["secrets", "rollback", "A"],
        ["secrets", "import"]
      ].map((value) => run(value, { env }))
    )
    expect(outcomes.map((outcome) => outcome.code)).toEqual(outcomes.map(() => 2))
    for (const { stderr } of outcomes) expect(stderr).toMatch(/^error: .+\nfix: .+\n$|^error: .+\n$/)
    expect(canned.asked.length).toBe(before)
  })

  it("stores a secret byte for byte or refuses it, and never quotes a possible secret", async () => {
    const set = { name: "DB", version: 1, updatedAt: "2026-01-01T00:00:00.000Z" }
    canned.answers(200, set)
    const env = { MAXCLOUD_API_URL: canned.url }
    const secret = (stdin: string | Uint8Array, ...more: ReadonlyArray<string>) =>
      run(["secrets", "set", "DB", "--app", "shop", ...more], { env, stdin })
    const before = canned.asked.length
    const refused = await Promise.all([
      secret("x", "geheim"),
      run(["secrets", "set", "DB=geheim", "--app", "shop"], { env, stdin: "" }),
      secret(Buffer.from("geheim\xe4", "latin1")),
      secret("\uFEFFgeheim"),
      secret(Buffer.from("\uFEFFgeheim", "utf16le")),
      secret(""),
      run(["registries", "login", "ghcr.io", "geheim"], { env, stdin: "" }),
      run(["auth", "login", "geheim"], { env, stdin: "" })
    ])
    for (const { code, stderr, stdout } of refused) {
      expect(code).toBe(2)
      expect(stdout + stderr).not.toContain("geheim")
    }
    expect(refused[0]?.stderr).toContain("standard input")
    expect(refused[2]?.stderr).toContain("standard input:1: not UTF-8")
    expect(refused[3]?.stderr).toContain("byte order mark")
    expect(refused[5]?.stderr).toContain("--empty")
    expect(canned.asked.length).toBe(before)
    const taken = await Promise.all([secret(" ü\t\r\n\n"), secret("", "--empty")])
    expect(taken.map((each) => each.code)).toEqual([0, 0])
    expect(canned.bodies.slice(-2).sort()).toEqual(['{"value":" ü\\t\\r\\n"}', '{"value":""}'].sort())
  })

  it("reads an env file like a file of secrets, and refuses a line that tools read differently", async () => {
    const cwd = makeFolder({ "good.env": "# comment\nA='pa#ss $word'\nB=\n", "bad.env": "A=1\nB=pa#ss word\n" })
    const deploy = (file: string) =>
      run(["deploy", "--name", "web", "nginx:1", "--env-from", file, "--api-url", "http://127.0.0.1:9"], { cwd })
    const [good, bad] = await Promise.all([deploy("good.env"), deploy("bad.env")])
    expect(good).toMatchObject({ code: 3, stderr: expect.stringContaining("no max-cloud server answers") })
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining("bad.env:2: B has a # without quotes") })
    expect(bad.stderr).not.toContain("pa#ss")
  })

  it("reports the position of a mistake in the config, and sends nothing", async () => {
    const before = canned.asked.length
    const cwd = makeFolder({
      "maxcloud.config.ts": `import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig({
  app: "shop",
  services: [service("web", { image: "nginx:1", port: 0 })]
})
`
    })
    const env = { MAXCLOUD_API_URL: canned.url }
    const [deploy, json, missing] = await Promise.all([
      run(["deploy"], { cwd, env }),
      run(["plan", "--json"], { cwd, env }),
      run(["deploy", "-f", "absent.yaml"], { cwd, env })
    ])
    expect(deploy.stderr).toMatch(/maxcloud\.config\.ts:5:\d+ .*port/)
    expect(deploy.code).toBe(2)
    expect(deploy.stdout).toBe("")
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: { code: "config_invalid", exitCode: 2, errors: [{ line: 5 }] }
    })
    expect(json.code).toBe(2)
    expect(missing.stderr).toContain("absent.yaml")
    expect(missing.code).toBe(2)
    expect(canned.asked.length).toBe(before)
  })

  it("exits with 3 if no server answers, and says how to start one", async () => {
    const gone = await makeCanned()
    gone.close()
    const { code, stderr } = await run(["list", "--api-url", gone.url])
    expect(stderr).toContain("maxcloud server")
    expect(code).toBe(3)
  })

  it("has an exit code for each problem of the API", async () => {
    const problem = (code: string, slug: string, title: string, status: number, more: object = {}) => ({
      body: {
        code,
        type: `/problems/${slug}`,
        title,
        status,
        detail: `the ${slug} detail`,
        ...more
      },
      status
    })
    const problems = [
      [problem("invalid_request", "invalid-request", "Invalid request", 400, { errors: [] }), 2],
      [problem("unauthenticated", "unauthenticated", "Not signed in", 401), 4],
      [problem("forbidden", "forbidden", "Forbidden", 403), 4],
      [problem("unavailable", "unavailable", "Unavailable", 503, { retryAfterSeconds: 1 }), 3],
      [problem("internal_error", "internal-error", "Internal error", 500, { requestId: "r1" }), 1]
    ] as const
    for (const [{ body, status }, exitCode] of problems) {
      canned.answers(status, body)
      const { code, stderr } = await run(["list", "--api-url", canned.url])
      expect(stderr).toContain(body.detail)
      expect([body.code, code]).toEqual([body.code, exitCode])
    }
  })

  it("prints only data on stdout, and uses colors only if wanted", async () => {
    canned.answers(200, [service])
    const list = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) =>
      run(["--api-url", canned.url, "list", ...args], { env })
    const [plain, json, forced, none] = await Promise.all([
      list([]),
      list(["--json"]),
      list([], { FORCE_COLOR: "1" }),
      list([], { FORCE_COLOR: "1", NO_COLOR: "1" })
    ])
    expect(plain.stdout).toMatch(
      /^NAME +STATE +URL[^\n]+\nweb +ready +http:\/\/web\.localhost:8080 +1 +shop +production +\S+ ago\n$/
    )
    expect(plain.stderr).toBe("")
    expect(JSON.parse(json.stdout)).toEqual({ services: [service] })
    expect(forced.stdout).toContain("\u001b[32mready\u001b[39m")
    expect(none.stdout).not.toContain("\u001b")
  })

  it("stays quiet when the reader of its pipe exits", async () => {
    canned.answers(
      200,
      Array.from({ length: 3000 }, () => service)
    )
    const { child, ended } = start(["list", "--limit", "3000", "--api-url", canned.url])
    child.stdout.once("data", () => child.stdout.destroy())
    const { code, stderr } = await ended
    expect(stderr).toBe("")
    expect(code).toBe(0)
  })

  it("writes a starter that is valid, and never overwrites", async () => {
    const cwd = makeFolder({})
    const first = await run(["init", "--json"], { cwd })
    expect(JSON.parse(first.stdout).written).toEqual([
      "web/package.json",
      "web/server.js",
      "maxcloud.config.ts",
      ".gitignore"
    ])
    const [check, again] = await Promise.all([run(["config", "check"], { cwd }), run(["init"], { cwd })])
    expect(check.stdout).toMatch(/^maxcloud\.config\.ts is valid: app .+, services: web\n$/)
    expect(check.code).toBe(0)
    expect([again.code, again.stderr]).toEqual([0, expect.stringContaining("kept maxcloud.config.ts unchanged")])
    const odd = await run(["init", "--format", "toml"], { cwd })
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringMatching(/"toml".*\n.*use one of ts, yaml, json/)])
  })

  it("says where the values of .env files can go", async () => {
    const cwd = makeFolder({
      "api/package.json": JSON.stringify({ scripts: { start: "node ." } }),
      "api/.env": "A=1\n"
    })
    const { stderr } = await run(["init"], { cwd })
    expect(stderr).toContain("api/.env stays on this machine. Store its values: npx maxcloud secrets import api/.env\n")
  })

  it("says offline how long a name can be if its host would be too long", async () => {
    const cwd = makeFolder({
      "maxcloud.config.yaml": `app: shop\nservices:\n  - name: ${"a".repeat(51)}\n    image: nginx:1.27\n`
    })
    const [check, synth, production] = await Promise.all([
      run(["config", "check", "--stage", "preview-42"], { cwd }),
      run(["synth", "--stage", "preview-42"], { cwd }),
      run(["config", "check", "--stage", "production"], { cwd })
    ])
    for (const { code, stderr } of [check, synth, production]) expect([code, stderr]).toEqual([2, expect.anything()])
    for (const { stderr } of [check, synth]) {
      expect(stderr).toMatch(/maxcloud\.config\.yaml:3.*a service name can have up to 38/)
    }
    expect(production.stderr).toContain("a service name can have up to 50")
  })

  it("prints what it found, and the next steps", async () => {
    const cwd = makeFolder({ "api/requirements.txt": "flask", "web/package.json": webPackage, "pnpm-lock.yaml": "" })
    const { code, stderr } = await run(["init"], { cwd })
    expect([code, stderr]).toEqual([0, expect.stringContaining("found Python in ./api: service api (install: pip")])
    expect(stderr).toContain("found Node.js in ./web: service web")
    expect(stderr).toContain("added to .gitignore: .maxcloud/ node_modules/ .env .env.*")
    expect(stderr).toContain("npm i -g @maxcloud/cli\n")
    const node = makeFolder({ "package.json": webPackage, "pnpm-lock.yaml": "lockfileVersion: '9.0'" })
    expect((await run(["init"], { cwd: node })).stderr).toContain("pnpm add -D @maxcloud/cli @maxcloud/sdk\n")
  })

  it("writes manifests offline: all to stdout, or one file per service", async () => {
    const cwd = makeFolder({ "app.yaml": "app: shop\nservices:\n  - name: web\n    image: nginx:1\n    port: 80\n" })
    const [printed, written] = await Promise.all([
      run(["synth", "-f", "app.yaml"], { cwd }),
      run(["synth", "-f", "app.yaml", "--out", "manifests", "--json"], { cwd })
    ])
    expect(printed.stdout).toContain("apiVersion: serving.knative.dev/v1")
    expect(printed.stdout).toContain("kind: NetworkPolicy")
    expect(JSON.parse(written.stdout).files).toEqual(["_namespace.yaml", "web.yaml"])
  })

  it("prints charts of the config after the app's manifests, in synth and export", async () => {
    const config = (kind: string) => `import { defineConfig, object, patch, service } from "@maxcloud/sdk/config"
const fields = { spec: { template: { metadata: { annotations: { "autoscaling.knative.dev/window": "10s" } } } } }
export default defineConfig({
  app: "shop",
  services: [service("web", { image: "nginx:1", manifests: [patch("Service", fields)] })],
  manifests: [object({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { a: "1" } })],
  charts: [() => ({ toJson: () => [{ apiVersion: "example.com/v1", kind: ${kind}, metadata: { name: "late" }, spec: { for: "5m" } }] })]
})
`
    const cwd = makeFolder({ "maxcloud.config.ts": config('"Alert"'), "odd.ts": config("7") })
    const [printed, exported, written, odd] = await Promise.all([
      run(["synth"], { cwd }),
      run(["export", "--json"], { cwd }),
      run(["synth", "--out", "manifests", "--json"], { cwd }),
      run(["synth", "--file", "odd.ts"], { cwd })
    ])
    expect(printed.stdout.trim().split("---\n").at(-1)).toContain("kind: Alert")
    expect(printed.stdout).toContain("autoscaling.knative.dev/window: 10s")
    const { manifests } = JSON.parse(exported.stdout)
    const kinds: ReadonlyArray<string> = manifests.map((manifest: { kind: string }) => manifest.kind)
    expect(kinds).toContain("ConfigMap")
    expect(kinds.at(-1)).toBe("Alert")
    expect(JSON.parse(written.stdout).files).toEqual(["_namespace.yaml", "app.yaml", "web.yaml", "_charts.yaml"])
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining("isn't a Kubernetes object")])
  })
})

describe("--org", () => {
  const path = async (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}) => {
    canned.asked.length = 0
    canned.answers(200, [])
    const { code, stderr } = await run(args, {
      env: { MAXCLOUD_API_URL: canned.url, MAXCLOUD_API_KEY: "mck_x", ...env }
    })
    return { code, stderr, asked: canned.asked[0]?.replace(/\?.*/, "") }
  }

  it("takes the organization from --org before MAXCLOUD_ORG, and - means the credential's own", async () => {
    const MAXCLOUD_ORG = "acme"
    expect((await path(["list"])).asked).toBe("GET /api/v1/services")
    expect((await path(["list", "--org", "acme"])).asked).toBe("GET /api/v1/organizations/acme/services")
    expect((await path(["--org", "acme", "auth", "invites", "list"])).asked).toBe(
      "GET /api/v1/organizations/acme/invites"
    )
    expect((await path(["list"], { MAXCLOUD_ORG })).asked).toBe("GET /api/v1/organizations/acme/services")
    expect((await path(["list", "--org", "other"], { MAXCLOUD_ORG })).asked).toBe(
      "GET /api/v1/organizations/other/services"
    )
    expect((await path(["list", "--org", "-"], { MAXCLOUD_ORG })).asked).toBe("GET /api/v1/services")
    expect((await path(["list"], { MAXCLOUD_ORG: "" })).asked).toBe("GET /api/v1/services")
  })

  it("names the organization to rename", async () => {
    canned.bodies.length = 0
    const { asked } = await path(["org", "rename", "Acme GmbH", "--org", "acme"])
    expect([asked, canned.bodies[0]]).toEqual(["PATCH /api/v1/organizations/acme", '{"displayName":"Acme GmbH"}'])
  })

  it("is a usage error if it can't be a name, and nothing is sent", async () => {
    for (const name of ["..", "ACME", "a/b"]) {
      const { asked, code, stderr } = await path(["list", "--org", name])
      expect([code, asked]).toEqual([2, undefined])
      expect(stderr).toMatch(/^error: .*name/)
    }
  })
})

describe("a server that will stop accepting a request", () => {
  it("makes the command warn once, on stderr", async () => {
    canned.answers(200, [], {
      deprecation: "@1796083200",
      sunset: "Wed, 01 Dec 2027 00:00:00 GMT"
    })
    const { code, stderr, stdout } = await run(["list", "--limit", "2", "--json"], {
      env: { MAXCLOUD_API_URL: canned.url, MAXCLOUD_API_KEY: "mck_x" }
    })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toBeDefined()
    expect(stderr.match(/warning: /g)).toHaveLength(1)
    expect(stderr).toMatch(/after Wed, 01 Dec 2027 00:00:00 GMT\. .*npm i -D @maxcloud\/cli@latest/)
  })
})
