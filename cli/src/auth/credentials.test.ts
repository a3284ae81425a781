import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { describe, expect, it } from "@effect/vitest"
import { credentialsPath, findCredential, type Kept, normalUrl, sourceOfEnvironment } from "@maxcloud/sdk/credentials"
import { Effect, Either, Redacted } from "effect"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { signInFix } from "../output/signInFix.ts"
import { makeCredentials } from "./credentials.ts"

const server = "https://cloud.example.com"
const kept = (token: string): Kept => ({
  token: Redacted.make(token),
  type: "session",
  organization: "acme",
  email: "ada@example.com",
  expiresAt: null
})

const place = () => {
  const env = { XDG_CONFIG_HOME: temporaryFolder("maxcloud-cli-") }
  const warnings: Array<string> = []
  const warn = (line: string) => void warnings.push(line)
  return { env, warnings, warn, ...makeCredentials(env, warn) }
}
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)
const tokenOf = (found: Kept | undefined) => (found === undefined ? undefined : Redacted.value(found.token))

describe("the credentials file", () => {
  it("is at the absolute path that the XDG conventions define", () => {
    expect(credentialsPath({ XDG_CONFIG_HOME: "/x" })).toBe("/x/maxcloud/credentials.json")
    for (const written of [undefined, "", "relative"]) {
      expect(credentialsPath({ XDG_CONFIG_HOME: written })).toBe(join(homedir(), ".config/maxcloud/credentials.json"))
    }
  })

  it("stores one entry for each server, however its URL is written", async () => {
    const { find, forget, keep } = place()
    await Effect.runPromise(keep("HTTPS://Cloud.Example.com:443/", kept("one")))
    await Effect.runPromise(keep("http://127.0.0.1:8080", kept("two")))
    expect(tokenOf(await Effect.runPromise(find(server)))).toBe("one")
    expect(tokenOf(await Effect.runPromise(find("http://127.0.0.1:8080/")))).toBe("two")
    expect(await Effect.runPromise(find("http://127.0.0.1:8081"))).toBeUndefined()
    await Effect.runPromise(forget(server))
    expect(await Effect.runPromise(find(server))).toBeUndefined()
    expect(tokenOf(await Effect.runPromise(find("http://127.0.0.1:8080")))).toBe("two")
    expect(normalUrl("https://a.example/base/")).toBe("https://a.example/base")
    expect(normalUrl("no url")).toBe("no url")
  })

  it("is readable only by its owner, and leaves no other file behind", async () => {
    const { file, keep } = place()
    await Effect.runPromise(keep(server, kept("secret")))
    expect([modeOf(file), modeOf(dirname(file))]).toEqual(["600", "700"])
    expect(readdirSync(dirname(file))).toEqual(["credentials.json"])
  })

  it("becomes private if others could read it, with a warning", async () => {
    const { file, find, keep, warnings } = place()
    await Effect.runPromise(keep(server, kept("secret")))
    chmodSync(file, 0o644)
    expect(tokenOf(await Effect.runPromise(find(server)))).toBe("secret")
    expect(modeOf(file)).toBe("600")
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain("mode 644")
    await Effect.runPromise(find(server))
    expect(warnings).toHaveLength(1)
  })

  it.each([
    ["no JSON", '{"version":1,"servers":{"x":{"token":"mcs_secret'],
    ["another shape", JSON.stringify({ version: 1, servers: { [server]: { token: 7, secret: "mcs_secret" } } })],
    ["a newer version", JSON.stringify({ version: 2, servers: { mcs_secret: 1 } })]
  ])("is named with a fix if it is damaged (%s), without its content, and isn't overwritten", async (_, text) => {
    const { file, find, keep } = place()
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text, { mode: 0o600 })
    for (const failed of [
      await Effect.runPromise(Effect.either(find(server))),
      await Effect.runPromise(Effect.either(keep(server, kept("new"))))
    ]) {
      const error = Either.getOrThrow(Either.flip<unknown, { readonly message: string; readonly fix?: string }>(failed))
      expect(error.message).toContain(file)
      expect(error.fix).toContain("maxcloud auth login")
      expect(JSON.stringify(error)).not.toContain("mcs_secret")
    }
    expect(readFileSync(file, "utf8")).toBe(text)
  })

  it("loses no entries of concurrent writers", async () => {
    const { env, find, warn } = place()
    const urls = Array.from({ length: 12 }, (_, index) => `https://s${index}.example.com`)
    await Effect.runPromise(
      Effect.forEach(urls, (url) => makeCredentials(env, warn).keep(url, kept(url)), { concurrency: "unbounded" })
    )
    for (const url of urls) expect(tokenOf(await Effect.runPromise(find(url)))).toBe(url)
  })
})

describe("the credential that is sent", () => {
  const actions = { ACTIONS_ID_TOKEN_REQUEST_URL: "https://ids.example", MAXCLOUD_ORGANIZATION: "acme" }

  it("comes from MAXCLOUD_API_KEY, MAXCLOUD_ID_TOKEN, GitHub Actions or the file, in this order", async () => {
    const { env, keep, warn } = place()
    await Effect.runPromise(keep(server, kept("from-file")))
    const found = async (more: Readonly<Record<string, string>>) => {
      const credential = await Effect.runPromise(findCredential(server, { ...env, ...more }, warn))
      return credential === undefined ? undefined : [credential.source, Redacted.value(credential.token)]
    }
    const all = { ...actions, MAXCLOUD_API_KEY: " key\n", MAXCLOUD_ID_TOKEN: "id" }
    expect(await found(all)).toEqual(["MAXCLOUD_API_KEY", "key"])
    expect(await found({ ...all, MAXCLOUD_API_KEY: "" })).toEqual(["MAXCLOUD_ID_TOKEN", "id"])
    expect(sourceOfEnvironment(actions)).toBe("GitHub Actions")
    expect(await found({ MAXCLOUD_ORGANIZATION: "acme" })).toEqual(["credentials file", "from-file"])
    expect(await Effect.runPromise(findCredential("https://other.example", env, warn))).toBeUndefined()
  })

  it("ignores a damaged file if the environment has a credential", async () => {
    const { env, file, warn } = place()
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, "damaged")
    const credential = await Effect.runPromise(findCredential(server, { ...env, MAXCLOUD_API_KEY: "k" }, warn))
    expect(credential?.source).toBe("MAXCLOUD_API_KEY")
    expect(existsSync(file)).toBe(true)
  })

  it("is an ID token for the organization in GitHub Actions, requested with the job's token", async () => {
    const asked: Array<string> = []
    let answer: readonly [number, string] = [200, JSON.stringify({ value: "ey.id.token" })]
    const ids = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`)
      response.writeHead(answer[0], { "content-type": "application/json" }).end(answer[1])
    })
    await new Promise<void>((resolve) => void ids.listen(0, "127.0.0.1", resolve))
    const url = `http://127.0.0.1:${(ids.address() as AddressInfo).port}/token?api-version=2.0`
    const env = { ...actions, ACTIONS_ID_TOKEN_REQUEST_URL: url, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "job-token" }
    const ask = (more: Readonly<Record<string, string>> = {}) =>
      Effect.runPromise(Effect.either(findCredential(server, { ...env, ...more }, () => {})))
    const good = Either.getOrThrow(await ask())
    expect(good?.token === undefined ? "" : Redacted.value(good.token)).toBe("ey.id.token")
    expect(asked).toEqual(["/token?api-version=2.0&audience=maxcloud%2Facme Bearer job-token"])

    // A new token is requested only if the old one expires soon.
    const jwt = (seconds: number) =>
      `h.${Buffer.from(JSON.stringify({ exp: Date.now() / 1000 + seconds })).toString("base64url")}.s`
    answer = [200, JSON.stringify({ value: jwt(30) })]
    const ending = Either.getOrThrow(await ask())
    const lasting = jwt(600)
    answer = [200, JSON.stringify({ value: lasting })]
    expect([await ending?.renewed?.(), await ending?.renewed?.()]).toEqual([lasting, lasting])
    expect(asked).toHaveLength(3)

    const exits = []
    for (const next of [
      [403, "{}"],
      [503, ""],
      [200, "{}"],
      [200, "<html>"]
    ] as const) {
      answer = next
      const failed = await ask()
      exits.push(Either.isLeft(failed) ? (failed.left.passing ? 3 : 1) : failed.right)
    }
    expect(exits).toEqual([1, 3, 1, 3])
    const plain = await ask({ ACTIONS_ID_TOKEN_REQUEST_URL: "http://ids.example.com/token" })
    expect(Either.isLeft(plain) ? plain.left.message : "").toContain("isn't encrypted")
    ids.close()
    expect(JSON.stringify(await ask())).not.toContain("job-token")
  })

  it("suggests a fix if the server doesn't accept it", () => {
    expect(signInFix({})).toContain("maxcloud auth login")
    expect(signInFix({ MAXCLOUD_API_KEY: "k" })).toMatch(/^MAXCLOUD_API_KEY /)
    expect(signInFix(actions)).toContain("maxcloud auth oidc add")
    expect(signInFix({ GITHUB_ACTIONS: "true" })).toContain("id-token: write")
  })
})
