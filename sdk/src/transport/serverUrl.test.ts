import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { afterEach, vi } from "vitest"
import { badServerUrls, goodServerUrls } from "../../test/serverUrls.ts"
import { InvalidRequest } from "../api/index.ts"
import { createClient as createBrowserClient } from "../browser.ts"
import { createClient } from "../client.ts"
import { makeMaxCloud } from "../MaxCloud.ts"
import { isServerUrl } from "./serverUrl.ts"

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error
  )

/** The errors of all kinds of calls, which must use no credential and send no request. */
const failures = async (given: { readonly apiUrl?: string }) => {
  const options = {
    ...given,
    token: async () => expect.unreachable("a credential was asked for"),
    fetch: async () => expect.unreachable("something was sent")
  }
  const client = createClient(options)
  const cloud = await Effect.runPromise(makeMaxCloud(options))
  const spec = { app: "shop", services: [{ name: "api", image: "nginx" }] }
  const lines = async () => {
    for await (const _ of client.logs("api")) expect.unreachable("a line came")
  }
  const attempts: ReadonlyArray<Promise<unknown>> = [
    client.info(),
    client.services.list(),
    client.plan(spec),
    client.preparePlan(spec),
    client.deploy(spec),
    client.auth.startDevice("a laptop"),
    lines(),
    Effect.runPromise(Effect.flip(cloud.info)),
    Effect.runPromise(Effect.flip(Stream.runDrain(cloud.events.follow()))),
    Effect.runPromise(Effect.flip(cloud.deployAndWait(spec)))
  ].map((each, at) => (at < 7 ? failureOf(each) : each))
  const apiUrl = given.apiUrl
  const inPage = apiUrl === undefined ? [] : [failureOf(createBrowserClient({ ...options, apiUrl }).info())]
  return Promise.all([...attempts, ...inPage])
}

describe("the URL of a server", () => {
  afterEach(() => vi.unstubAllEnvs())

  it.each(goodServerUrls)("may be %s", (url) => expect(isServerUrl(url)).toBe(true))

  it.each(badServerUrls)("can't be %j: every call says so, and sends nothing", async (apiUrl) => {
    expect(isServerUrl(apiUrl)).toBe(false)
    for (const error of await failures({ apiUrl })) {
      assert(error instanceof InvalidRequest, String(error))
      expect(error.message).toContain(`apiUrl ${JSON.stringify(apiUrl)} isn't the URL of a server. Use a form like `)
    }
  })

  it.each(badServerUrls.slice(1, 6))("can't be %j in MAXCLOUD_API_URL", async (apiUrl) => {
    vi.stubEnv("MAXCLOUD_API_URL", apiUrl)
    for (const error of await failures({})) {
      assert(error instanceof InvalidRequest, String(error))
      expect(error.message).toContain(`MAXCLOUD_API_URL ${JSON.stringify(apiUrl)} isn't the URL of a server.`)
    }
  })

  it("is reported without its password", async () => {
    for (const apiUrl of ["ftp://ada:not-to-be-told@cloud.example.com", "ada:not-to-be-told@cloud.example.com"]) {
      for (const error of await failures({ apiUrl })) expect(String(error)).not.toContain("not-to-be-told")
    }
  })
})
