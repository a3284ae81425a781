import { randomBytes } from "node:crypto"
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import { layerTest } from "../../../test/database/layerTest.ts"
import { readSettings } from "../settings/ServerConfig.ts"
import { DataKeys } from "./DataKeys.ts"
import { layer } from "./layer.ts"
import { keyFile } from "./masterKeyFile.ts"
import { vaultMasterKey } from "./masterKeyVault.ts"

const folder = mkdtempSync(join(tmpdir(), "maxcloud-test-"))
afterAll(() => rmSync(folder, { recursive: true }))

const [one, two] = [randomBytes(32), randomBytes(32)]
const written = one.toString("base64")
const read = (environment: Readonly<Record<string, string>>) =>
  readSettings().pipe(Effect.withConfigProvider(ConfigProvider.fromMap(new Map(Object.entries(environment)))))

describe("master keys in the environment", () => {
  it("are read as base64, with commas between the former ones", async () => {
    const settings = await Effect.runPromise(
      read({
        MAXCLOUD_MASTER_KEY: ` ${written}\n`,
        MAXCLOUD_MASTER_KEYS_FORMER: `${two.toString("base64")}, ${written}`
      })
    )
    expect(settings.masterKey && Buffer.from(Redacted.value(settings.masterKey))).toEqual(one)
    expect(settings.formerMasterKeys.map((formerMasterKey) => Buffer.from(Redacted.value(formerMasterKey)))).toEqual([
      two,
      one
    ])
    expect(JSON.stringify(settings)).not.toContain(written)
  })

  it("are refused without quoting them if they're invalid", async () => {
    for (const wrong of ["hunter2", written.slice(4), `${written},${written}`, ""]) {
      for (const name of ["MAXCLOUD_MASTER_KEY", "MAXCLOUD_MASTER_KEYS_FORMER"]) {
        if (name === "MAXCLOUD_MASTER_KEYS_FORMER" && (wrong === "" || wrong.includes(","))) continue
        const { message } = await Effect.runPromise(Effect.flip(read({ [name]: wrong })))
        expect(message).toContain(name)
        expect(message).not.toContain("hunter2")
        expect(message).not.toContain(written.slice(4))
      }
    }
  })
})

describe("a master key in a file", () => {
  const file = join(folder, "master.key")
  const write = (content: Uint8Array | string, mode = 0o600) => {
    writeFileSync(file, content)
    chmodSync(file, mode)
  }

  it("is 32 bytes, or these in base64, and not readable by everybody", async () => {
    write(one)
    expect((await Effect.runPromise(keyFile(file))).bytes).toEqual(one)
    write(`${written}\n`, 0o440)
    expect(Buffer.from((await Effect.runPromise(keyFile(file))).bytes)).toEqual(one)
    write(one, 0o604)
    expect((await Effect.runPromise(Effect.flip(keyFile(file)))).message).toContain("chmod o=")
    write("hunter2")
    const { message } = await Effect.runPromise(Effect.flip(keyFile(file)))
    expect(message).toContain("it has 7 bytes")
    expect(message).not.toContain("hunter2")
    rmSync(file)
    expect((await Effect.runPromise(Effect.flip(keyFile(file)))).message).toContain(file)
  })
})

describe("the master key of a server", () => {
  it("moves from the data folder to the environment: once rewrapped, the file isn't needed any more", () =>
    Effect.gen(function* () {
      const dataDir = join(folder, "moves")
      const sql = yield* SqlClient
      const server = { type: "server" } as const
      const build = <A, E>(options: object, effect: Effect.Effect<A, E, DataKeys>) =>
        Effect.provide(effect, Layer.fresh(layer({ dataDir, ...options })))
      const sealed = yield* build(
        {},
        Effect.flatMap(DataKeys, (dataKeys) => dataKeys.seal(server, [], Redacted.make("value")))
      )
      expect(statSync(join(dataDir, "secret.key")).mode & 0o777).toBe(0o600)
      process.env.MAXCLOUD_MASTER_KEY = written
      const fromNow = { masterKey: Redacted.make<Uint8Array>(one) }
      expect(
        yield* build(
          fromNow,
          Effect.flatMap(DataKeys, (dataKeys) => dataKeys.rewrap)
        )
      ).toBe(1)
      expect(process.env.MAXCLOUD_MASTER_KEY).toBeUndefined()
      rmSync(join(dataDir, "secret.key"))
      const opened = yield* build(
        fromNow,
        Effect.flatMap(DataKeys, (dataKeys) => dataKeys.open(server, [], sealed))
      )
      expect(Option.map(opened, Redacted.value)).toEqual(Option.some("value"))
      const missing = yield* Effect.flip(build({}, DataKeys))
      expect(missing.message).toContain("Restore")
      const wrong = yield* Effect.flip(build({ masterKey: Redacted.make<Uint8Array>(two) }, DataKeys))
      expect(wrong.message).toMatch(/^The key in MAXCLOUD_MASTER_KEY isn't the one/)
      yield* sql`update server_keys set wrapped = set_byte(wrapped, 20, get_byte(wrapped, 20) # 1)`
      expect((yield* Effect.flip(build(fromNow, DataKeys))).reason).toBe("wrong")
      const several = yield* Effect.flip(build({ ...fromNow, masterKeyFile: "/nowhere" }, DataKeys))
      expect(several.message).toContain("are set: MAXCLOUD_MASTER_KEY and MAXCLOUD_MASTER_KEY_FILE")
    }).pipe(Effect.provide(layerTest), Effect.runPromise))
})

/** Answers with `statuses`, one after another, in place of a transit engine in trouble. */
const inTrouble = async (
  statuses: ReadonlyArray<number>,
  tested: (address: string, requests: ReadonlyArray<IncomingMessage>) => Promise<void>
) => {
  const requests: Array<IncomingMessage> = []
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume()
    const status = statuses[requests.length - 1] ?? 200
    const data = request.url?.includes("encrypt")
      ? { ciphertext: "vault:v1:AAAA" }
      : { plaintext: Buffer.alloc(32, 1).toString("base64") }
    response.writeHead(status, status === 307 ? { location: "http://127.0.0.1:9/" } : {})
    response.end(
      status === 200
        ? JSON.stringify({ data })
        : status === 418
          ? "no JSON"
          : JSON.stringify({ errors: ["in trouble"] })
    )
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const address = server.address()
  try {
    await tested(`http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`, requests)
  } finally {
    server.close()
  }
}

describe("a transit engine in trouble", () => {
  const connect = (vaultAddress: string) => vaultMasterKey({ vaultAddress, vaultToken: Redacted.make("hunter2") })

  it("is retried if the failure may pass, four times in all", async () => {
    await inTrouble([503, 429, 500], async (address, requests) => {
      await Effect.runPromise(connect(address))
      expect(requests.map((request) => request.url?.split("/")[3])).toEqual([
        "encrypt",
        "encrypt",
        "encrypt",
        "encrypt",
        "decrypt"
      ])
    })
    await inTrouble([500, 500, 500, 503, 200], async (address, requests) => {
      const error = await Effect.runPromise(Effect.flip(connect(address)))
      expect(error).toMatchObject({ reason: "unreachable" })
      expect(error.message).toContain("is sealed or not ready (status 503, in trouble)")
      expect(error.message).not.toContain("hunter2")
      expect(requests.length).toBe(4)
    })
  })

  it("isn't retried otherwise, and gets only its own token", async () => {
    for (const [status, said] of [
      [307, "redirects requests"],
      [403, "refuses the token"],
      [404, `The transit key "maxcloud" doesn't exist`],
      [400, "doesn't encrypt a data key: status 400, in trouble"],
      [418, "doesn't encrypt a data key: status 418"]
    ] as const) {
      await inTrouble([status], async (address, requests) => {
        expect((await Effect.runPromise(Effect.flip(connect(address)))).message).toContain(said)
        expect(requests.length).toBe(1)
        expect(requests[0]?.headers["x-vault-token"]).toBe("hunter2")
      })
    }
  })
})
