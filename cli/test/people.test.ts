import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { makeFolder, type RunOptions, run, start } from "./cli.ts"

/** A server that requires credentials and logs its mails, and people on their own machines. */
let server: ReturnType<typeof start>
let url = ""
const home = () => temporaryFolder("maxcloud-cli-")
const dataDir = withMadeDatabase(home())
const machines = { ada: home(), grace: home(), ci: home() }
beforeAll(async () => {
  server = start(["server", "--port", "0", "--data-dir", dataDir], {
    env: { MAXCLOUD_AUTH: "required", MAXCLOUD_MAIL: "log", MAXCLOUD_REGISTRATION: "open", MAXCLOUD_RUNTIME: "local" }
  })
  url = /listens on (\S+)/.exec(await server.until(/listens on \S+/))?.[1] ?? ""
}, 120_000)
afterAll(async () => {
  server.child.kill("SIGTERM")
  await server.ended
}, 60_000)

const at =
  (machine: keyof typeof machines) =>
  (args: ReadonlyArray<string>, { env, ...options }: RunOptions = {}) =>
    run(args, { ...options, env: { MAXCLOUD_API_URL: url, XDG_CONFIG_HOME: machines[machine], ...env } })
const ada = at("ada")
const grace = at("grace")
const ci = at("ci")

/** The token in the last mail to this address. */
const mailedTo = async (email: string, nth = 1): Promise<string> => {
  const mails = new RegExp(`(To: ${email}[\\s\\S]*?token=[\\w-]+[\\s\\S]*){${nth}}`)
  const [found = ""] = mails.exec(await server.until(mails)) ?? []
  return [...found.matchAll(/token=([\w-]+)/g)].at(-1)?.[1] ?? ""
}

let key = ""

describe("people at a server", () => {
  it("learn how to sign in if a credential is needed", async () => {
    const { code, stderr } = await ada(["list"])
    expect(stderr).toContain("fix: run `maxcloud auth login`")
    expect(code).toBe(4)
  })

  it("register, and confirm the address with the mailed token", async () => {
    const registered = await ada(["auth", "register", "--email", "Ada@Example.com", "--org", "acme"])
    expect(registered.stderr).toContain("as ada@example.com, organization acme (owner)")
    expect(registered.stderr).toContain("check the inbox of ada@example.com")
    expect(registered.code).toBe(0)
    const file = join(machines.ada, "maxcloud/credentials.json")
    expect(statSync(file).mode & 0o777).toBe(0o600)

    const [before, wrong] = await Promise.all([
      ada(["auth", "status"]),
      ada(["auth", "verify"], { stdin: `mcv_${"0".repeat(32)}_${"x".repeat(43)}` })
    ])
    expect(before.stdout).toContain("ada@example.com (not confirmed)")
    expect(wrong.code).toBe(5)
    const verified = await ada(["auth", "verify"], { stdin: await mailedTo("ada@example.com") })
    expect(verified.stderr).toBe("ada@example.com is confirmed\n")
    const [set, who, taken] = await Promise.all([
      ada(["secrets", "set", "A", "--app", "shop"], { stdin: "value" }),
      ada(["whoami"]),
      ada(["auth", "register", "--email", "b@example.com", "--org", "acme"])
    ])
    expect(who.stdout).toBe("ada@example.com acme owner\n")
    expect([set.code, taken.code]).toEqual([0, 6])
  }, 60_000)

  it("get exit code 9, the limit and the fix if the organization would exceed a quota", async () => {
    const environment = { MAXCLOUD_AUTH: "required", MAXCLOUD_MAIL: "log" }
    const operator = (...args: ReadonlyArray<string>) =>
      run(["server", "quotas", ...args, "--data-dir", dataDir], { env: environment })
    const set = await operator("set", "acme", "--sources", "10")
    expect([set.code, set.stderr]).toEqual([0, ""])
    const cwd = makeFolder({
      "app.json": JSON.stringify({ app: "shop", services: [{ name: "api", source: "./api" }] }),
      "api/index.js": "// more than ten bytes",
      "api/package.json": "{}"
    })
    const file = readFileSync(join(machines.ada, "maxcloud/credentials.json"), "utf8")
    const authorization = `Bearer ${/mcs_[\w-]+/.exec(file)?.[0]}`
    const [told, json, sent] = await Promise.all([
      ada(["deploy", "-f", "app.json"], { cwd }),
      ada(["deploy", "-f", "app.json", "--json"], { cwd }),
      fetch(`${url}/api/v1/sources/sha256:${"0".repeat(64)}`, {
        method: "PUT",
        headers: { authorization, "content-type": "application/octet-stream" },
        body: "more than ten bytes"
      })
    ])
    expect(told.stderr).toMatch(/may keep 10 of source snapshots.*maxcloud destroy/)
    expect(JSON.parse(json.stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
      error: { code: "quota_exceeded", exitCode: 9 }
    })
    expect([told.code, json.code, sent.status]).toEqual([9, 9, 403])
    expect(await sent.json()).toMatchObject({ code: "quota_exceeded", title: "Quota exceeded" })
    expect((await operator("unset", "acme")).code).toBe(0)
  }, 60_000)

  it("give CI a key, which is shown once and can only do what its scope says", async () => {
    const made = await ada([
      "auth",
      "api-keys",
      "create",
      "--name",
      "CI Key",
      "--scope",
      "deploy:shop/production",
      "--expires",
      "90d"
    ])
    expect(made.stdout).toMatch(/^mck_\w+\n$|^mck_[\w-]+\n$/)
    expect(made.stderr).toContain("Copy this key now")
    key = made.stdout.trim()
    const env = { MAXCLOUD_API_KEY: key }
    const [who, set, other, status, list] = await Promise.all([
      ci(["whoami"], { env }),
      ci(["secrets", "set", "B", "--app", "shop"], { env, stdin: "value" }),
      ci(["secrets", "set", "B", "--app", "other"], { env, stdin: "value" }),
      ci(["auth", "status", "--json"], { env }),
      ada(["auth", "api-keys", "list"])
    ])
    expect(who.stdout).toBe("CI Key acme owner\n")
    expect([set.code, other.code]).toEqual([0, 4])
    expect(JSON.parse(status.stdout)).toMatchObject({ source: "MAXCLOUD_API_KEY", credential: { type: "key" } })
    expect(list.stdout).toContain("CI Key")
    expect(list.stdout).not.toContain(key)
  }, 60_000)

  it("rotate a key, with or without an overlap", async () => {
    const rotated = await ada(["auth", "api-keys", "rotate", "CI Key", "--overlap", "0s"])
    expect(rotated.code).toBe(0)
    const [former, next] = await Promise.all(
      [key, rotated.stdout.trim()].map((value) => ci(["whoami"], { env: { MAXCLOUD_API_KEY: value } }))
    )
    expect([former?.code, next?.code]).toEqual([4, 0])
    expect(former?.stderr).toContain("fix: MAXCLOUD_API_KEY takes precedence")
    key = rotated.stdout.trim()
  }, 60_000)

  it("store a key with login, and delete it with logout", async () => {
    const wrong = await ci(["auth", "login", "--api-key-stdin"], { stdin: `${key}x` })
    expect(wrong.code).toBe(4)
    expect(readdirSync(machines.ci)).toEqual([])
    const login = await ci(["auth", "login", "--api-key-stdin"], { stdin: `${key}\n` })
    expect(login.stderr).toContain("organization acme (owner)")
    expect((await ci(["whoami"])).stdout).toBe("CI Key acme owner\n")
    const gone = await ci(["auth", "logout"])
    expect(gone.code).toBe(0)
    expect(readFileSync(join(machines.ci, "maxcloud/credentials.json"), "utf8")).not.toContain(key)
    expect((await ci(["whoami"])).code).toBe(4)
  }, 60_000)

  it("invite somebody, who accepts, and change their role", async () => {
    expect((await ada(["auth", "invites", "create", "--email", "grace@example.com", "--role", "viewer"])).code).toBe(0)
    const accepted = await grace(["auth", "invites", "accept"], { stdin: await mailedTo("grace@example.com") })
    expect(accepted.stderr).toContain("as grace@example.com, organization acme (viewer)")
    const refused = await grace(["secrets", "set", "A", "--app", "shop"], { stdin: "value" })
    expect(refused.stderr).toContain("viewer")
    expect(refused.code).toBe(4)
    expect((await ada(["org", "members", "role", "grace@example.com", "deployer"])).stderr).toBe(
      "grace@example.com is deployer\n"
    )
    const [set, members, last] = await Promise.all([
      grace(["secrets", "set", "A", "--app", "shop"], { stdin: "value" }),
      ada(["org", "members", "list"]),
      ada(["org", "members", "role", "ada@example.com", "viewer"])
    ])
    expect([set.code, last.code]).toEqual([0, 6])
    expect(members.stdout).toMatch(/ada@example.com +owner.*\ngrace@example.com +deployer/)
  }, 60_000)

  it("switch to another organization, which ends the old session", async () => {
    const before = readFileSync(join(machines.grace, "maxcloud/credentials.json"), "utf8")
    const second = await grace(["auth", "register", "--email", "hedy@example.com", "--org", "labs"])
    expect(second.code).toBe(0)
    await grace(["auth", "verify"], { stdin: await mailedTo("hedy@example.com") })
    expect((await ada(["auth", "invites", "create", "--email", "hedy@example.com", "--role", "deployer"])).code).toBe(0)
    await grace(["auth", "invites", "accept"], { stdin: await mailedTo("hedy@example.com", 2) })
    const switched = await grace(["org", "switch", "labs"])
    expect(switched.stderr).toContain("organization labs (owner)")
    const [who, absent] = await Promise.all([grace(["whoami"]), grace(["org", "switch", "elsewhere"])])
    expect([who.stdout, absent.code]).toEqual(["hedy@example.com labs owner\n", 5])
    // The first session was ended on the server, not only deleted here.
    const stale: { servers: Record<string, { token: string }> } = JSON.parse(before)
    const [{ token } = { token: "" }] = Object.values(stale.servers)
    expect((await ci(["whoami"], { env: { MAXCLOUD_API_KEY: token } })).code).toBe(4)
  }, 90_000)

  it("create another organization of their own", async () => {
    const taken = await grace(["org", "create", "labs"])
    expect([taken.code, taken.stderr]).toEqual([6, expect.stringContaining('"labs" already exists')])
    const made = await grace(["org", "create", "garden"])
    expect(made.stderr).toContain("organization garden (owner)")
    expect((await grace(["whoami"])).stdout).toBe("hedy@example.com garden owner\n")
    expect((await ci(["org", "create", "robots"])).code).toBe(4)
    await grace(["org", "switch", "labs"])
  }, 60_000)

  it("import secrets, list their versions, and roll one back", async () => {
    const cwd = makeFolder({ ".env": "# told\nA=new-value\nC='two words'\n" })
    const imported = await ada(["secrets", "import", ".env", "--app", "shop"], { cwd })
    expect(imported.stderr).toContain("A, C")
    expect(imported.stdout + imported.stderr).not.toMatch(/new-value|two words/)
    expect((await ada(["secrets", "versions", "A", "--app", "shop"])).stdout).toMatch(/3 \(newest\) .*ada@example.com/)
    expect((await ada(["secrets", "rollback", "A", "--to", "1", "--app", "shop"])).stderr).toContain("as version 4")
    expect((await ada(["secrets", "rollback", "A", "--to", "99", "--app", "shop"])).code).toBe(5)
  }, 60_000)

  it("show the audit log, and write complete exports that only their owner can read", async () => {
    const cwd = makeFolder({})
    const listed = await ada(["audit", "list", "-n", "100"])
    expect(listed.stdout).toMatch(/ada@example\.com +127\.0\.0\.1 +auth\.createInvite/)
    expect(listed.stdout).toContain("refused (403)")
    const names = ["audit", "org"]
    const exported = await Promise.all(names.map((name) => ada([name, "export", "--out", `${name}.jsonl`], { cwd })))
    expect(exported.map((each) => each.code)).toEqual([0, 0])
    // Somebody else may have opened the mailed link, so only a later session proves the person's identity.
    const early = await ada(["account", "export"])
    expect(early.code).toBe(4)
    expect(early.stderr).toContain("`maxcloud auth login`")
    for (const name of names) {
      const file = join(cwd, `${name}.jsonl`)
      expect(statSync(file).mode & 0o777).toBe(0o600)
      const lines = readFileSync(file, "utf8").trimEnd().split("\n")
      expect(lines.length).toBeGreaterThan(1)
      for (const line of lines) JSON.parse(line)
    }
    expect(readdirSync(cwd).filter((text) => text.startsWith(".maxcloud"))).toEqual([])
    expect((await ada(["org", "export", "--out", "missing/org.jsonl"], { cwd })).stderr).toContain(
      "Couldn't write missing/org.jsonl"
    )
  }, 90_000)

  it("delete an organization only after confirmation, and can keep it within the grace period", async () => {
    const unasked = await ada(["org", "delete"])
    expect(unasked.code).toBe(2)
    const deleted = await ada(["org", "delete", "--grace-days", "30", "--yes"])
    expect(deleted.stdout).toMatch(/^era_[0-9a-f]{32}\n$/)
    expect((await ada(["org", "show"])).stderr).toContain("maxcloud org keep")
    const certificate = await ci(["org", "certificate", deleted.stdout.trim()])
    expect([certificate.code, certificate.stderr]).toEqual([0, expect.stringContaining("is not erased yet")])
    expect((await ada(["org", "keep"])).code).toBe(0)
    expect((await ada(["org", "keep"])).code).toBe(5)
  }, 60_000)

  it("remove a member, and end a session with logout", async () => {
    expect((await ada(["org", "members", "remove", "nobody@example.com"])).code).toBe(5)
    expect((await ada(["org", "members", "remove", "grace@example.com"])).code).toBe(0)
    const file = readFileSync(join(machines.ada, "maxcloud/credentials.json"), "utf8")
    const token = /mcs_[\w-]+/.exec(file)?.[0] ?? ""
    expect((await ada(["auth", "logout"])).stderr).toBe(`signed out of ${url}\n`)
    expect((await ci(["whoami"], { env: { MAXCLOUD_API_KEY: token } })).code).toBe(4)
    expect((await ada(["auth", "logout"])).stderr).toBe(`no credential is stored for ${url}\n`)
  }, 60_000)

  it("never send a credential unencrypted to another machine", async () => {
    const { code, stderr } = await ci(["whoami", "--api-url", "http://cloud.example.com"], {
      env: { MAXCLOUD_API_KEY: key }
    })
    expect(stderr).toMatch(/^error: the credential wasn't sent to http:\/\/cloud\.example\.com.*\nfix: use https:\/\//)
    expect(stderr).not.toContain(key)
    expect(code).toBe(2)
  })
})
