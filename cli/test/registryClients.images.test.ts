import { execFile } from "node:child_process"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import { temporaryFolder } from "../../sdk/test/temporaryFolder.ts"
import { freePort } from "../../server/test/freePort.ts"
import { missingTools } from "../../server/test/registry/missingTools.ts"
import { buildTrueImage } from "../../server/test/registry/scratchImage.ts"
import { startTestRegistry, type TestRegistry } from "../../server/test/registry/testRegistry.ts"
import { ServerProcess } from "../../server/test/serverProcess.ts"
import { run } from "./cli.ts"
import { makeClients } from "./registryClients.ts"

const missing = missingTools("clients of the registry", "podman", "docker-registry")
const withoutSkopeo = missing.length > 0 || missingTools("skopeo and the registry", "skopeo").length > 0
const built = `localhost/maxcloud-clients:${process.pid}`

const Session = Schema.Struct({ token: Schema.String })
const NewKey = Schema.Struct({ secret: Schema.String })

describe.skipIf(missing.length > 0)("after maxcloud registry login", () => {
  const clients = makeClients()
  let server: ServerProcess
  let registry: TestRegistry
  let prefix: string
  let owner: string
  let keys = 0

  const program = (env: Readonly<Record<string, string>>, name: string, ...args: ReadonlyArray<string>) =>
    promisify(execFile)(name, [...args], {
      env: {
        ...process.env,
        ...registry.environment,
        ...clients.env,
        // Podman finds its images by these, and the test's user has other ones.
        HOME: process.env["HOME"],
        XDG_RUNTIME_DIR: clients.env["XDG_RUNTIME_DIR"],
        ...env
      }
    }).then(
      ({ stdout }) => stdout.trim(),
      (error: { readonly stderr: string }) => Promise.reject(new Error(error.stderr))
    )
  const maxcloud = (...args: ReadonlyArray<string>) =>
    run(["registry", ...args], { env: { ...clients.env, MAXCLOUD_API_URL: server.url } })

  const post = async (path: string, body: object, token?: string): Promise<unknown> => {
    const authorization = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const headers = { "content-type": "application/json", ...authorization }
    const response = await fetch(`${server.url}/api/v1/auth/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body)
    })
    return response.json()
  }
  const makeKey = async (role: string) =>
    Schema.decodeUnknownSync(NewKey)(await post("api-keys", { name: `${role} ${++keys}`, role }, owner)).secret
  const signIn = async (key: string) => {
    const env = { ...clients.env, MAXCLOUD_API_URL: server.url }
    expect(await run(["auth", "login", "--api-key-stdin"], { env, stdin: key })).toMatchObject({ code: 0 })
  }

  beforeAll(async () => {
    await buildTrueImage(built)
    const host = `127.0.0.1:${await freePort()}`
    server = new ServerProcess(await freePort(), {
      REGISTRY_URL: host,
      MAXCLOUD_AUTH: "required",
      MAXCLOUD_REGISTRATION: "open",
      MAXCLOUD_MAIL: "log"
    })
    await server.start()
    const registered = await post("register", { email: "ada@example.com", organization: "acme" })
    owner = Schema.decodeUnknownSync(Session)(registered).token
    await signIn(await makeKey("deployer"))
    const rootcertbundle = join(temporaryFolder("maxcloud-keys-"), "keys.pem")
    writeFileSync(rootcertbundle, (await maxcloud("keys", "--pem")).stdout)
    const realm = `${server.url}/api/v1/registry/token`
    const auth = { realm, service: host, issuer: "maxcloud", rootcertbundle }
    registry = await startTestRegistry(auth, "docker-registry", host)
    const { registry: place } = JSON.parse((await maxcloud("login", "--json")).stdout)
    prefix = `${place.host}/${place.prefix}`
  })
  afterAll(async () => {
    await program({}, "podman", "image", "rm", "--force", "--ignore", built)
    await registry[Symbol.asyncDispose]()
    await server.end("SIGTERM")
    server.remove()
  })

  it("podman pushes and pulls without a login of its own, and its files have no password", async () => {
    await program({}, "podman", "push", "--quiet", "--tls-verify=false", built, `docker://${prefix}shop:1`)
    expect(await program({}, "podman", "pull", "--quiet", "--tls-verify=false", `${prefix}shop:1`)).toMatch(
      /^[0-9a-f]{64}$/
    )
    for (const file of [clients.dockerFile, clients.podmanFile]) {
      const text = readFileSync(file, "utf8")
      expect(text).not.toContain("mck_")
      expect(Object.keys(JSON.parse(text))).toEqual(["credHelpers"])
    }
  })

  it("podman reads Docker's config too, if it has none of its own", async () => {
    writeFileSync(clients.podmanFile, "{}")
    expect(await program({}, "podman", "pull", "--quiet", "--tls-verify=false", `${prefix}shop:1`)).toMatch(
      /^[0-9a-f]{64}$/
    )
  })

  it.skipIf(withoutSkopeo)("skopeo inspects and copies", async () => {
    const inspected = await program({}, "skopeo", "inspect", "--tls-verify=false", `docker://${prefix}shop:1`)
    expect(JSON.parse(inspected)).toMatchObject({ Name: `${prefix}shop`, RepoTags: ["1"] })
    const copy = ["copy", "--quiet", "--src-tls-verify=false", "--dest-tls-verify=false"]
    await program({}, "skopeo", ...copy, `docker://${prefix}shop:1`, `docker://${prefix}copied:2`)
    const tags = await program({}, "skopeo", "list-tags", "--tls-verify=false", `docker://${prefix}copied`)
    expect(JSON.parse(tags)).toMatchObject({ Tags: ["2"] })
  })

  it("follows the login: another credential works at once, and none is refused", async () => {
    const push = (tag: string, env: Readonly<Record<string, string>> = {}) =>
      program(env, "podman", "push", "--quiet", "--tls-verify=false", built, `docker://${prefix}shop:${tag}`)
    await signIn(await makeKey("viewer"))
    await expect(push("2")).rejects.toThrow(/denied|unauthorized|authentication required/)
    await push("2", { MAXCLOUD_API_KEY: await makeKey("deployer") })
    const signedOut = await run(["auth", "logout"], { env: { ...clients.env, MAXCLOUD_API_URL: server.url } })
    expect(signedOut.code).toBe(0)
    await expect(push("3")).rejects.toThrow(/you aren't signed in to http.*maxcloud auth login/)
    await signIn(await makeKey("deployer"))
    await push("3")
  })

  it("registry logout ends it", async () => {
    const name = ["login", "--get-login", registry.host]
    expect(await program({}, "podman", ...name)).toBe("maxcloud")
    expect((await maxcloud("logout")).code).toBe(0)
    await expect(program({}, "podman", ...name)).rejects.toThrow("not logged in")
    await expect(program({}, "podman", "pull", "--tls-verify=false", `${prefix}shop:1`)).rejects.toThrow(
      /denied|unauthorized|authentication required/
    )
  })
})
