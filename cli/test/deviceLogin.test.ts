import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { makeFolder, run } from "./cli.ts"

const now = "2026-01-01T00:00:00.000Z"
const session = {
  token: "mcs_device_secret",
  expiresAt: now,
  organization: "acme",
  role: "owner",
  user: { id: `usr_${"1".repeat(32)}`, email: "ada@example.com", verified: true }
}
const codes = {
  deviceCode: "device-code-secret",
  userCode: "ABCD-EFGH",
  verificationUri: "http://127.0.0.1/auth/device",
  verificationUriComplete: "http://127.0.0.1/auth/device?code=ABCD-EFGH",
  expiresInSeconds: 60,
  intervalSeconds: 0
}

/** Valid answers of the API, one after the other; the last one repeats. Null breaks the connection. */
let polls: Array<readonly [number, unknown] | null> = []
let status: readonly [number, unknown] = [401, {}]
const bodies: Array<string> = []
const server = createServer(async (request, response) => {
  let body = ""
  for await (const chunk of request.setEncoding("utf8")) body += chunk
  bodies.push(body)
  const send = (status: number, answer: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer))
  if (request.url === "/api/v1/auth/device") return send(200, codes)
  if (request.url === "/api/v1/auth/status") return send(...status)
  const next = polls.length > 1 ? polls.shift() : polls[0]
  return next ? send(...next) : request.socket.destroy()
})
let url = ""
beforeAll(async () => {
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => void server.close())

const login = async (...answers: ReadonlyArray<readonly [number, unknown] | null>) => {
  polls = [...answers]
  const config = makeFolder({})
  const outcome = await run(["auth", "login"], { env: { MAXCLOUD_API_URL: url, XDG_CONFIG_HOME: config } })
  return { ...outcome, file: join(config, "maxcloud/credentials.json") }
}

const limited = (seconds: number) =>
  [
    429,
    {
      code: "too_many_requests",
      type: "/problems/too-many-requests",
      title: "Too many requests",
      status: 429,
      detail: "too many requests",
      retryAfterSeconds: seconds
    }
  ] as const

describe("maxcloud auth login (against canned answers of the contract)", () => {
  it("shows the code, polls through temporary failures, and stores the session", async () => {
    const pending = { state: "pending", intervalSeconds: 0 }
    const { code, file, stderr, stdout } = await login(
      [200, pending],
      null,
      limited(0),
      [200, { state: "slowDown", intervalSeconds: 0 }],
      [200, { state: "granted", session }]
    )
    expect(stderr).toContain(`open ${codes.verificationUri}\nand enter the code ABCD-EFGH\n`)
    expect(stderr).toContain(`signed in to ${url} as ada@example.com, organization acme (owner)`)
    expect(stdout + stderr).not.toMatch(/mcs_device_secret|device-code-secret/)
    expect(JSON.parse(readFileSync(file, "utf8")).servers[url].token).toBe("mcs_device_secret")
    expect(bodies[0]).toMatch(/"maxcloud on .+"/)
    expect(code).toBe(0)
  })

  it("exits with 4 if somebody refuses, or the code expires", async () => {
    const [denied, expired] = [await login([200, { state: "denied" }]), await login([200, { state: "expired" }])]
    expect(denied.stderr).toContain("refused the sign-in on the page")
    expect(expired.stderr).toContain("the code has expired\nfix: start again with `maxcloud auth login`")
    expect([denied.code, expired.code]).toEqual([4, 4])
  })

  it("exits with 3 after too many requests, and says when to retry", async () => {
    status = limited(42)
    const { code, stderr } = await run(["whoami", "--api-url", url])
    expect(stderr).toBe("error: too many requests\nfix: retry in 42 s\n")
    expect(code).toBe(3)
  })
})
