import { mkdirSync, readFileSync, realpathSync, statSync, symlinkSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { withMadeDatabase } from "../../server/test/database/madeDatabase.ts"
import { run, start } from "./cli.ts"
import { makeClients, stateHome } from "./registryClients.ts"

const host = "registry.example.com"

const startServer = async (env: Readonly<Record<string, string>>) => {
  const data = withMadeDatabase(temporaryFolder("maxcloud-data-"))
  const server = start(["server", "--port", "0", "--data-dir", data], {
    env: { MAXCLOUD_RUNTIME: "local", XDG_STATE_HOME: stateHome, ...env }
  })
  const url = /listens on (\S+)/.exec(await server.until(/listens on \S+/))?.[1] ?? ""
  return { url, server }
}

let server: Awaited<ReturnType<typeof startServer>>
let bare: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  ;[server, bare] = await Promise.all([
    startServer({ REGISTRY_URL: host }),
    startServer({ MAXCLOUD_REGISTRY_PROGRAM: "off" })
  ])
}, 120_000)
afterAll(async () => {
  for (const each of [server, bare]) {
    each.server.child.kill("SIGTERM")
    await each.server.ended
  }
})

const maxcloud = (
  { env }: ReturnType<typeof makeClients>,
  args: ReadonlyArray<string>,
  more: Readonly<Record<string, string>> = {}
) => run(["registry", ...args], { env: { ...env, MAXCLOUD_API_URL: server.url, ...more } })

const jsonIn = (file: string): unknown => JSON.parse(readFileSync(file, "utf8"))

describe("registry login", () => {
  it("names the helper for the registry in the files of docker and podman, and shows what to call images", async () => {
    const clients = makeClients()
    const { code, stderr, stdout } = await maxcloud(clients, ["login"])
    expect([code, stdout]).toEqual([0, ""])
    expect(stderr).toContain(`docker, podman and others can use ${host}`)
    expect(stderr).toMatch(new RegExp(`your images are called ${host}/org_[0-9a-f]{32}/APP:TAG\n`))
    expect(stderr).not.toContain("warning")
    for (const file of [clients.dockerFile, clients.podmanFile]) {
      expect(jsonIn(file)).toEqual({ credHelpers: { [host]: "maxcloud" } })
      expect(statSync(file).mode & 0o777).toBe(0o600)
    }
    const again = await maxcloud(clients, ["login", "--json"])
    expect(JSON.parse(again.stdout)).toEqual({
      registry: { host, prefix: expect.stringMatching(/^org_[0-9a-f]{32}\/$/) },
      files: [clients.dockerFile, clients.podmanFile],
      helperFound: true
    })
  })

  it("keeps everything else in the files, in its order and form, and the file's mode", async () => {
    const clients = makeClients()
    const target = join(clients.folder, "dotfiles.json")
    const auths = { "ghcr.io": { auth: "YTpi" }, [host]: { auth: "b2xkOnBhc3N3b3Jk" } }
    const before = {
      psFormat: "x",
      auths,
      credsStore: "pass",
      credHelpers: { "gcr.io": "gcloud" },
      z: [1, { a: null }]
    }
    writeFileSync(target, JSON.stringify(before, null, 4), { mode: 0o640 })
    symlinkSync(target, clients.dockerFile)
    mkdirSync(dirname(clients.podmanFile))
    writeFileSync(clients.podmanFile, "")
    expect((await maxcloud(clients, ["login"])).code).toBe(0)
    const after = {
      ...before,
      auths: { "ghcr.io": { auth: "YTpi" } },
      credHelpers: { "gcr.io": "gcloud", [host]: "maxcloud" }
    }
    expect(readFileSync(target, "utf8")).toBe(`${JSON.stringify(after, null, 4)}\n`)
    expect([realpathSync(clients.dockerFile), statSync(target).mode & 0o777]).toEqual([realpathSync(target), 0o640])
    expect(jsonIn(clients.podmanFile)).toEqual({ credHelpers: { [host]: "maxcloud" } })
    expect((await maxcloud(clients, ["logout"])).code).toBe(0)
    const { credHelpers: _, ...rest } = after
    expect(jsonIn(target)).toEqual({ ...rest, credHelpers: { "gcr.io": "gcloud" } })
  })

  it("changes nothing if a file is damaged, and names it", async () => {
    const clients = makeClients()
    for (const text of ["{", "[]", '{"credHelpers":1}', '"x"']) {
      writeFileSync(clients.dockerFile, text)
      const { code, stderr } = await maxcloud(clients, ["login"])
      expect([code, stderr]).toEqual([1, expect.stringContaining(`mv ${clients.dockerFile}`)])
      expect(readFileSync(clients.dockerFile, "utf8")).toBe(text)
    }
  })

  it("writes into REGISTRY_AUTH_FILE if it is set", async () => {
    const clients = makeClients()
    const file = join(clients.folder, "auth.json")
    expect((await maxcloud(clients, ["login"], { REGISTRY_AUTH_FILE: file })).code).toBe(0)
    expect(jsonIn(file)).toEqual({ credHelpers: { [host]: "maxcloud" } })
    expect((await maxcloud(clients, ["logout"], { REGISTRY_AUTH_FILE: file })).code).toBe(0)
    expect(jsonIn(file)).toEqual({})
  })

  it("warns if clients won't find the helper, and says how to install it", async () => {
    const clients = makeClients()
    const { code, stderr } = await maxcloud(clients, ["login"], { PATH: "/usr/bin:/bin" })
    expect([code, stderr]).toEqual([0, expect.stringContaining("npm install --global @maxcloud/cli")])
  })

  it("fails before it writes anything if the server has no registry, or refuses the credential", async () => {
    const clients = makeClients()
    const none = await maxcloud(clients, ["login"], { MAXCLOUD_API_URL: bare.url })
    expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/has no registry\nfix: .*REGISTRY_URL/)])
    const wrong = await maxcloud(clients, ["login"], { MAXCLOUD_API_KEY: `mck_${"0".repeat(40)}` })
    expect(wrong.code).toBe(4)
    expect(() => readFileSync(clients.dockerFile)).toThrow("ENOENT")
    expect((await clients.helper("list")).stdout).toBe("{}\n")
  })

  it("works for several at once", async () => {
    const clients = makeClients()
    const ended = await Promise.all([1, 2, 3].map(() => maxcloud(clients, ["login"])))
    expect(ended.map(({ code }) => code)).toEqual([0, 0, 0])
    expect(jsonIn(clients.dockerFile)).toEqual({ credHelpers: { [host]: "maxcloud" } })
  })
})

describe("registry logout", () => {
  it("removes only our helper, and says if there is none", async () => {
    const clients = makeClients()
    await maxcloud(clients, ["login"])
    const out = await maxcloud(clients, ["logout", "--json"])
    expect(JSON.parse(out.stdout)).toEqual({ hosts: [host], files: [clients.dockerFile, clients.podmanFile] })
    expect(jsonIn(clients.dockerFile)).toEqual({})
    expect((await clients.helper("get", host)).code).toBe(1)
    const again = await maxcloud(clients, ["logout"])
    expect([again.code, again.stderr]).toEqual([0, `no registry of ${server.url} is set up here\n`])
  })

  it("keeps a helper that somebody else has set for the registry", async () => {
    const clients = makeClients()
    await maxcloud(clients, ["login"])
    writeFileSync(clients.dockerFile, JSON.stringify({ credHelpers: { [host]: "pass" } }))
    await maxcloud(clients, ["logout"])
    expect(jsonIn(clients.dockerFile)).toEqual({ credHelpers: { [host]: "pass" } })
  })
})

describe("docker-credential-maxcloud", () => {
  it("gives the credential of the current login, for the registry alone", async () => {
    const clients = makeClients()
    await maxcloud(clients, ["login"])
    for (const asked of [host, `https://${host}`, `https://${host}/v2/`, `${host}/org_1/shop`, `${host}\n`]) {
      const { code, stdout } = await clients.helper("get", asked)
      const { ServerURL, Secret, Username } = JSON.parse(stdout)
      expect([code, ServerURL, Username]).toEqual([0, asked.trim(), "maxcloud"])
      const authorization = `Basic ${Buffer.from(`${Username}:${Secret}`).toString("base64")}`
      const token = await fetch(`${server.url}/api/v1/registry/token?service=${host}`, { headers: { authorization } })
      expect(token.status).toBe(200)
    }
    for (const foreign of [
      "evil.example.com",
      `${host}.evil.example.com`,
      `${host}@evil.example.com`,
      `x${host}`,
      ""
    ]) {
      expect(await clients.helper("get", foreign), foreign).toMatchObject({
        code: 1,
        stdout: "credentials not found in native keychain\n"
      })
    }
    expect(JSON.parse((await clients.helper("list")).stdout)).toEqual({ [host]: "maxcloud" })
  })

  it("gives the credential of the environment, as `maxcloud` itself picks it", async () => {
    const clients = makeClients()
    await maxcloud(clients, ["login"])
    const secretWith = async (env: Readonly<Record<string, string>>) =>
      JSON.parse((await clients.helper("get", host, env)).stdout).Secret
    expect(await secretWith({ MAXCLOUD_API_KEY: "mck_mine" })).toBe("mck_mine")
    expect(await secretWith({ MAXCLOUD_ID_TOKEN: "a.b.c" })).toBe("a.b.c")
  })

  it("says how to sign in if the stored credential has expired, or there is none", async () => {
    const clients = makeClients()
    await maxcloud(clients, ["login"])
    const file = join(clients.folder, "config/maxcloud/credentials.json")
    const keep = (expiresAt: string) => {
      const kept = { token: "mcs_kept", type: "session", organization: "acme", email: null, expiresAt }
      writeFileSync(file, JSON.stringify({ version: 1, servers: { [server.url]: kept } }), { mode: 0o600 })
    }
    keep("2099-01-01T00:00:00.000Z")
    expect(JSON.parse((await clients.helper("get", host)).stdout).Secret).toBe("mcs_kept")
    keep("2020-01-01T00:00:00.000Z")
    const expired = await clients.helper("get", host)
    expect([expired.code, expired.stdout]).toEqual([
      1,
      expect.stringMatching(/expired at 2020-.*maxcloud auth login --api-url http/)
    ])
    writeFileSync(file, "{}", { mode: 0o600 })
    const damaged = await clients.helper("get", host)
    expect([damaged.code, damaged.stdout]).toEqual([1, expect.stringContaining("damaged")])
  })

  it("stores and erases nothing, and refuses anything else", async () => {
    const clients = makeClients()
    const request = JSON.stringify({ ServerURL: host, Username: "a", Secret: "hunter2" })
    for (const command of ["store", "erase", "", "other"]) {
      const { code, stdout, stderr } = await clients.helper(command, request)
      expect([command, code]).toEqual([command, 1])
      expect(stdout + stderr).not.toContain("hunter2")
    }
    expect((await clients.helper("get", "x".repeat(100_000))).code).toBe(1)
  })
})

describe("registry info and registry keys", () => {
  it("show the registry and its keys, or that there is none", async () => {
    const clients = makeClients()
    const info = await maxcloud(clients, ["info"])
    expect(info.stdout).toMatch(new RegExp(`registry +${host}\nimages +${host}/org_[0-9a-f]{32}/APP:TAG\n`))
    const none = await maxcloud(clients, ["info", "--json"], { MAXCLOUD_API_URL: bare.url })
    expect(JSON.parse(none.stdout).registry.host).toBeNull()
    const [pem, jwks] = [await maxcloud(clients, ["keys", "--pem"]), await maxcloud(clients, ["keys"])]
    expect(pem.stdout).toMatch(/^-----BEGIN CERTIFICATE-----\n([\w+/=]{1,64}\n)+-----END CERTIFICATE-----\n$/)
    expect(JSON.parse(jwks.stdout).keys).toHaveLength(1)
  })
})
