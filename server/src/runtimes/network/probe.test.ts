import { createServer as createHttpServer } from "node:http"
import { type AddressInfo, createServer } from "node:net"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { type ProbeTarget, probe } from "./probe.ts"

const target = (fields: Partial<ProbeTarget>): ProbeTarget => ({
  id: "a",
  way: "http",
  host: "127.0.0.1",
  port: 1,
  expected: "allowed",
  ...fields
})

const outcome = async (fields: Partial<ProbeTarget>) => (await probe([target(fields)]))[0]

describe("a probe", () => {
  let asked = 0
  const gateway = createHttpServer((request, response) => {
    asked++
    const { host } = request.headers
    if (host === "api") response.setHeader("k-network-hash", String(request.headers["k-network-hash"]))
    response.statusCode = host === "refused" ? 403 : host === "nobody" ? 404 : 200
    if (host === "silent") return
    response.end()
  })
  let port = 0
  let closed = 0

  beforeAll(async () => {
    await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve))
    port = (gateway.address() as AddressInfo).port
    const gone = createServer()
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve))
    closed = (gone.address() as AddressInfo).port
    await new Promise((resolve) => gone.close(resolve))
  })
  afterAll(() => {
    gateway.closeAllConnections()
    gateway.close()
  })

  it("is allowed if Knative's own answer arrives", async () => {
    expect(await outcome({ port, hostHeader: "api" })).toEqual({ id: "a", actual: "allowed", detail: "HTTP 200" })
  })

  it("is denied if the gateway refuses it", async () => {
    expect(await outcome({ port, hostHeader: "refused", expected: "denied" })).toMatchObject({ actual: "denied" })
  })

  it("isn't considered allowed by anybody else's answer", async () => {
    expect(await outcome({ port, hostHeader: "other", expected: "denied" })).toMatchObject({ actual: "unknown" })
    expect(await outcome({ port, hostHeader: "nobody", expected: "denied" })).toMatchObject({ actual: "unknown" })
  })

  it("is repeated if the result is unexpected", async () => {
    asked = 0
    await outcome({ port, hostHeader: "refused", expected: "allowed" })
    expect(asked).toBe(3)
    await outcome({ port, hostHeader: "refused", expected: "denied" })
    expect(asked).toBe(4)
  })

  it("by TCP is allowed if anybody answers, even with a refusal", async () => {
    expect(await outcome({ way: "tcp", port })).toMatchObject({ actual: "allowed", detail: "connected" })
    expect(await outcome({ way: "tcp", port: closed })).toMatchObject({ actual: "allowed" })
  })

  it("gives no result for an unknown name", async () => {
    expect(await outcome({ host: "a.invalid", expected: "denied" })).toMatchObject({ actual: "unknown" })
  })

  it("must be told the node to probe", async () => {
    expect(await outcome({ way: "tcp", host: "node", expected: "denied" })).toMatchObject({ actual: "unknown" })
  })
})
