import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { heldKey, masterKeyOf, withFormer } from "./heldKey.ts"
import { vaultMasterKey } from "./masterKeyVault.ts"

const installed = spawnSync("bao", ["version"]).status === 0
const token = randomBytes(12).toString("hex")
const folder = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
let bao: ChildProcess | undefined
let vaultAddress = ""

const freePort = () =>
  new Promise<number>((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0))
    })
  })

/** Requests run as the development server's initial administrator, or with `as`. */
const call = async (method: string, path: string, body?: object, as = token) => {
  const response = await fetch(`${vaultAddress}/v1/${path}`, {
    method,
    headers: { "x-vault-token": as },
    ...(body === undefined ? {} : { body: JSON.stringify(body) })
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
  return text === "" ? {} : JSON.parse(text)
}

const start = async () => {
  const port = await freePort()
  vaultAddress = `http://127.0.0.1:${port}`
  const child = spawn(
    "bao",
    [
      "server",
      "-dev",
      `-dev-root-token-id=${token}`,
      `-dev-listen-address=127.0.0.1:${port}`,
      "-dev-no-store-token",
      "-log-level=error"
    ],
    { stdio: ["ignore", "pipe", "inherit"], env: { PATH: process.env.PATH, HOME: folder } }
  )
  bao = child
  await new Promise<void>((done, failed) => {
    let output = ""
    child.stdout.on("data", (chunk) => {
      output += String(chunk)
      if (output.includes("Development mode should NOT be used in production")) done()
    })
    child.on("exit", () => failed(new Error(output)))
  })
}

const run = Effect.runPromise
const key = randomBytes(32)

describe.skipIf(!installed)("the transit engine of a real OpenBao", () => {
  beforeAll(async () => {
    await start()
    await call("POST", "sys/mounts/transit", { type: "transit" })
    await call("POST", "transit/keys/maxcloud", {})
    await call("PUT", "sys/policies/acl/maxcloud", {
      policy: `path "transit/encrypt/maxcloud" { capabilities = ["update"] }
path "transit/decrypt/maxcloud" { capabilities = ["update"] }`
    })
  }, 60_000)
  afterAll(() => {
    bao?.kill("SIGTERM")
    rmSync(folder, { recursive: true })
  })

  const narrow = async () => {
    const made = await call("POST", "auth/token/create", { policies: ["maxcloud"], no_default_policy: true })
    return String(made.auth.client_token)
  }
  const connect = (options: object = {}) =>
    vaultMasterKey({ vaultAddress, vaultToken: Redacted.make(token), ...options })

  it("wraps and unwraps with a token that has no other rights, bound to the context", async () => {
    const master = await run(connect({ vaultToken: Redacted.make(await narrow()) }))
    const wrapped = await run(master.wrap(key, "one"))
    expect(wrapped.masterKeyId).toBe("vault:transit/maxcloud:v1")
    expect(Buffer.from(wrapped.bytes).includes(key.toString("base64"))).toBe(false)
    expect(await run(master.unwrap(wrapped, "one"))).toEqual(key)
    expect(await run(Effect.flip(master.unwrap(wrapped, "other")))).toMatchObject({ reason: "wrong" })
    const changed = Buffer.from(Buffer.from(wrapped.bytes).toString().replace(/.{4}$/, "AAAA"))
    expect(await run(Effect.flip(master.unwrap({ ...wrapped, bytes: changed }, "one")))).toMatchObject({
      reason: "wrong"
    })
  })

  it("follows a rotation of the key: the new version wraps, the former one still opens", async () => {
    const master = await run(connect())
    const before = await run(master.wrap(key, "one"))
    await call("POST", "transit/keys/maxcloud/rotate", {})
    expect(await run(master.presentId)).toBe("vault:transit/maxcloud:v2")
    expect((await run(master.wrap(key, "one"))).masterKeyId).toBe("vault:transit/maxcloud:v2")
    expect(master.holds(before.masterKeyId)).toBe(true)
    expect(await run(master.unwrap(before, "one"))).toEqual(key)
  })

  it("takes over from a key in a file, which it opens as a former one", async () => {
    const file = masterKeyOf(heldKey("the key in a file", randomBytes(32)))
    const wrapped = await run(file.wrap(key, "one"))
    const master = withFormer(await run(connect()), [file])
    expect(await run(master.unwrap(wrapped, "one"))).toEqual(key)
    expect(await run(master.presentId)).toMatch(/^vault:/)
  })

  it("reads the token's file again for each call", async () => {
    const file = join(folder, "token")
    const first = await narrow()
    writeFileSync(file, `${first}\n`)
    const master = await run(connect({ vaultToken: undefined, vaultTokenFile: file }))
    await call("POST", "auth/token/revoke", { token: first })
    const refused = await run(Effect.flip(master.wrap(key, "one")))
    expect(refused.message).toContain("refuses the token")
    writeFileSync(file, await narrow())
    await run(master.wrap(key, "one"))
  })

  it("works in a namespace, and at another mount", async () => {
    await call("POST", "sys/namespaces/team", {})
    await call("POST", "team/sys/mounts/keys/transit", { type: "transit" })
    await call("POST", "team/keys/transit/keys/cloud", {})
    const master = await run(connect({ vaultNamespace: "team", vaultMount: "keys/transit", vaultKey: "cloud" }))
    const wrapped = await run(master.wrap(key, "one"))
    expect(await run(master.unwrap(wrapped, "one"))).toEqual(key)
  })

  it("names the missing part: the key, the mount, the right, a key's type, the server", async () => {
    await call("PUT", "sys/policies/acl/encrypt", {
      policy: `path "transit/encrypt/maxcloud" { capabilities = ["update"] }`
    })
    const encryptOnly = await call("POST", "auth/token/create", { policies: ["encrypt"], no_default_policy: true })
    await call("POST", "transit/keys/cbc", { type: "rsa-2048" })
    const failure = (options: object) => run(Effect.flip(connect(options)))
    // An encrypt with a missing key creates it, if the token allows that.
    expect(await failure({ vaultMount: "none" })).toMatchObject({ reason: "missing" })
    expect((await failure({ vaultToken: Redacted.make(await narrow()), vaultKey: "other" })).message).toContain(
      "refuses the token"
    )
    expect((await failure({ vaultToken: Redacted.make(encryptOnly.auth.client_token) })).message).toContain(
      '"update" on "transit/decrypt/maxcloud"'
    )
    expect(await failure({ vaultKey: "cbc" })).toMatchObject({ reason: "wrong" })
    expect((await failure({ vaultToken: undefined })).message).toContain("MAXCLOUD_VAULT_TOKEN_FILE")
    const closed = await failure({ vaultAddress: `http://127.0.0.1:${await freePort()}` })
    expect(closed).toMatchObject({ reason: "unreachable" })
    for (const { message } of [closed, await failure({ vaultMount: "none" })]) expect(message).not.toContain(token)
  })

  it("says so while the server is sealed", async () => {
    const master = await run(connect())
    await call("PUT", "sys/seal")
    const sealed = await run(Effect.flip(master.wrap(key, "one")))
    expect(sealed).toMatchObject({ reason: "unreachable" })
    expect(sealed.message).toContain("is sealed or not ready")
  })
})
