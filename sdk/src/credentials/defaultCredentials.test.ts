import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, assert, describe, expect, it, vi } from "@effect/vitest"
import { fakeServer, json } from "../../test/fakeServer.ts"
import { temporaryFolder } from "../../test/temporaryFolder.ts"
import { CredentialUnavailable, createClient } from "../index.ts"

const info = { version: "1", minimumClient: "1", features: [], runtime: "local", organization: "acme", inPlace: false }
const path = "GET /api/v1/info"

/** A server that records the received credentials, and the folder with the user's credentials. */
const begin = async () => {
  const server = await fakeServer({ [path]: (_, response) => json(response, 200, info) })
  const folder = temporaryFolder("maxcloud-sdk-")
  for (const name of ["MAXCLOUD_API_KEY", "MAXCLOUD_ID_TOKEN", "MAXCLOUD_ORGANIZATION"]) vi.stubEnv(name, undefined)
  vi.stubEnv("XDG_CONFIG_HOME", folder)
  vi.stubEnv("MAXCLOUD_API_URL", server.url)
  const file = join(folder, "maxcloud", "credentials.json")
  mkdirSync(join(folder, "maxcloud"))
  const keep = (url: string, token: string) => {
    const kept = { token, type: "session", organization: "acme", email: null, expiresAt: null }
    writeFileSync(file, JSON.stringify({ version: 1, servers: { [url]: kept } }), { mode: 0o600 })
  }
  const sent = () => server.received.map((each) => each.headers.authorization)
  return { server, file, keep, sent }
}

afterEach(() => vi.unstubAllEnvs())

describe("createClient() without a token", () => {
  it("sends the credential that `maxcloud auth login` stored for the server, and immediately that of a newer login", async () => {
    const { keep, sent, server } = await begin()
    await using _ = server
    keep(server.url, "mcs_first")
    const client = createClient()
    await client.info()
    keep(server.url, "mcs_second")
    await client.info()
    keep("https://elsewhere.example.com", "mcs_other")
    await client.info()
    expect(sent()).toStrictEqual(["Bearer mcs_first", "Bearer mcs_second", undefined])
  })

  it("prefers a key, then a token, from the environment", async () => {
    const { keep, sent, server } = await begin()
    await using _ = server
    keep(server.url, "mcs_kept")
    vi.stubEnv("MAXCLOUD_ID_TOKEN", "ey.id.token")
    await createClient().info()
    vi.stubEnv("MAXCLOUD_API_KEY", "mck_key")
    await createClient().info()
    await createClient({ token: "mck_given" }).info()
    await createClient({ token: "" }).info()
    expect(sent()).toStrictEqual(["Bearer ey.id.token", "Bearer mck_key", "Bearer mck_given", undefined])
  })

  it("fails with its own error if the file is damaged, without quoting it", async () => {
    const { file, server } = await begin()
    await using _ = server
    writeFileSync(file, `{"version":1,"servers":{"x":{"token":"mcs_secret`, { mode: 0o600 })
    const error = await createClient()
      .info()
      .then(
        () => expect.unreachable("sent"),
        (_: unknown) => _
      )
    assert(error instanceof CredentialUnavailable)
    expect(error.message).toContain(file)
    expect(JSON.stringify(error)).not.toContain("mcs_secret")
    expect(server.received).toHaveLength(0)
  })
})
