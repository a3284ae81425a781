import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { connect as connectHttp2 } from "node:http2"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it, vi } from "@effect/vitest"
import { createClient } from "@maxcloud/sdk"
import { localServerFile, localToken } from "@maxcloud/sdk/internal"
import { embedded } from "../../assembly/index.ts"
import { tokenFileName } from "./localToken.ts"

let folder: string
let state: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "maxcloud-local-"))
  state = join(folder, "state")
  vi.stubEnv("XDG_STATE_HOME", state)
  vi.stubEnv("MAXCLOUD_API_KEY", "")
})
afterAll(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true, force: true })
})

const servers = () => join(state, "maxcloud", "servers")
const overHttp2 = (url: string, headers: Record<string, string>) =>
  new Promise<unknown>((resolve, reject) => {
    const session = connectHttp2(url)
    const stream = session.request({ ":path": "/api/v1/services", ...headers })
    stream.on("response", (answer) => {
      resolve(answer[":status"])
      session.close()
    })
    stream.on("error", reject).resume()
  })

describe("a server's local token", () => {
  it("is in the data folder and found by clients while the server runs, and changes with each start", async () => {
    const dataDir = join(folder, "data")
    const tokens = new Set<string>()
    for (let start = 0; start < 2; start++) {
      let { url } = { url: "" }
      {
        await using cloud = await embedded({ dataDir })
        url = cloud.url
        const file = join(dataDir, tokenFileName)
        if (process.platform !== "win32") {
          expect(statSync(file).mode & 0o777).toBe(0o600)
          expect(statSync(servers()).mode & 0o777).toBe(0o700)
        }
        const token = readFileSync(file, "utf8").trim()
        expect(await localToken(url)).toBe(token)
        expect(cloud.token).toBe(token)
        await using client = createClient({ apiUrl: url })
        expect(await client.services.list()).toStrictEqual([])
        expect(await overHttp2(url, { authorization: `Bearer ${token}` })).toBe(200)
        if (process.platform === "linux") expect(await overHttp2(url, {})).toBe(200)
        expect(await overHttp2(url, { authorization: `Bearer ${token}x` })).toBe(401)
        for (const known of tokens) expect(await overHttp2(url, { authorization: `Bearer ${known}` })).toBe(401)
        tokens.add(token)
      }
      expect(existsSync(join(dataDir, tokenFileName))).toBe(false)
      expect(await localToken(url)).toBeUndefined()
      expect(readdirSync(servers())).toStrictEqual([])
    }
    expect(tokens.size).toBe(2)
  })

  it("is removed by the next server if its own was killed, while running servers keep theirs", async () => {
    await using first = await embedded()
    const gone = join(servers(), localServerFile("127.0.0.1", 1))
    const server = { version: 1, url: "http://127.0.0.1:1", pid: 2 ** 22, tokenFile: "/x", tokenDigest: "0".repeat(64) }
    writeFileSync(gone, JSON.stringify(server))
    await using second = await embedded()
    expect(existsSync(gone)).toBe(false)
    expect(await localToken(first.url)).toBe(first.token)
    expect(await localToken(second.url)).toBe(second.token)
    expect(first.token).not.toBe(second.token)
  })
})
