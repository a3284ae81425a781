import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { fakeServer, json } from "../../test/fakeServer.ts"
import { createClient } from "../index.ts"
import { localServerFile, localToken, tokenDigestOf } from "./localServer.ts"

const token = `mcl_server00_${"a".repeat(43)}`
const url = "http://127.0.0.1:8080"

let state: string
let tokenFile: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), "maxcloud-state-"))
  tokenFile = join(state, "local-token")
  vi.stubEnv("XDG_STATE_HOME", state)
  vi.stubEnv("MAXCLOUD_API_KEY", "")
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(state, { recursive: true, force: true })
})

const folder = () => join(state, "maxcloud", "servers")

/** The files that a server at this address writes. */
const write = (listens: string, changed: Readonly<Record<string, unknown>> = {}) => {
  const { hostname, port } = new URL(listens)
  const file = join(folder(), localServerFile(hostname.replace(/^\[|\]$/g, ""), Number(port)))
  mkdirSync(folder(), { recursive: true, mode: 0o700 })
  writeFileSync(tokenFile, `${token}\n`, { mode: 0o600 })
  const server = {
    version: 1,
    url: listens,
    pid: process.pid,
    tokenFile,
    tokenDigest: tokenDigestOf(token),
    ...changed
  }
  writeFileSync(file, JSON.stringify(server), { mode: 0o600 })
  return file
}

describe("the token of this user's own server", () => {
  it("is found by the server's address and port", async () => {
    write(url)
    write("http://[::1]:9000")
    expect(await localToken(url)).toBe(token)
    expect(await localToken("http://[::1]:9000")).toBe(token)
  })

  it.each([
    "http://127.0.0.1:8081",
    "http://127.0.0.2:8080",
    "http://[::1]:8080",
    "http://localhost:8080",
    "http://127.0.0.1.evil.com:8080",
    "http://evil.com:8080",
    "http://127.0.0.1:8080@evil.com",
    "http://evil.com/http://127.0.0.1:8080",
    "https://127.0.0.1:8080",
    "http://127.0.0.1:8080/path",
    "http://127.0.0.1",
    ""
  ])("is sent nowhere else: %s", async (other) => {
    write(url)
    expect(await localToken(other)).toBeUndefined()
  })

  it("isn't used from another start, or from the same data folder on another port", async () => {
    write(url)
    writeFileSync(tokenFile, `mcl_server00_${"b".repeat(43)}\n`)
    expect(await localToken(url)).toBeUndefined()
  })

  it("isn't used from a file with another address", async () => {
    write(url, { url: "http://127.0.0.1:9999" })
    expect(await localToken(url)).toBeUndefined()
  })

  it.skipIf(process.platform === "win32")(
    "isn't used from files that others can read or write, or from links",
    async () => {
      const file = write(url)
      for (const [path, mode, good] of [
        [tokenFile, 0o640, 0o600],
        [file, 0o620, 0o600],
        [folder(), 0o770, 0o700]
      ] as const) {
        chmodSync(path, mode)
        expect(await localToken(url), path).toBeUndefined()
        chmodSync(path, good)
        expect(await localToken(url)).toBe(token)
      }
      rmSync(tokenFile)
      writeFileSync(`${tokenFile}.there`, token, { mode: 0o600 })
      symlinkSync(`${tokenFile}.there`, tokenFile)
      expect(await localToken(url)).toBeUndefined()
    }
  )

  it("is undefined if the files are damaged", async () => {
    const file = write(url)
    for (const text of ["", "{", "[]", JSON.stringify({ version: 2 }), "x".repeat(100_000)]) {
      writeFileSync(file, text)
      expect(await localToken(url)).toBeUndefined()
    }
  })

  it("is sent by a client without its own credential, which takes precedence", async () => {
    const seen: Array<string | undefined> = []
    await using server = await fakeServer({
      "GET /api/v1/services": (request, response) => {
        seen.push(request.headers.authorization)
        json(response, 200, [])
      }
    })
    const { port } = new URL(server.url)
    const apiUrl = `http://127.0.0.1:${port}`
    const list = async (token?: string) => {
      await using client = createClient({ apiUrl, token })
      await client.services.list()
    }
    await list()
    write(apiUrl)
    await list()
    await list("")
    await list("mck_other")
    rmSync(tokenFile)
    await list()
    expect(seen).toStrictEqual([undefined, `Bearer ${token}`, `Bearer ${token}`, "Bearer mck_other", undefined])
  })
})
