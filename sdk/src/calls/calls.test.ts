import { assert, describe, it } from "@effect/vitest"
import { Effect, Predicate, Stream } from "effect"
import { operations } from "../api/index.ts"
import { createClient } from "../client.ts"
import { makeMaxCloud } from "../MaxCloud.ts"

/** What stands at `auth.apiKeys.list`, for example. */
const memberAt = (client: object, path: string): unknown =>
  path.split(".").reduce<unknown>((at, name) => (Predicate.hasProperty(at, name) ? at[name] : undefined), client)

/** `MaxCloud` has the calls of apps at its top, and their list as `apps`. */
const inMaxCloud = (path: string) => (path === "apps.list" ? "apps" : path.replace(/^apps\./, ""))

const isEffect = (call: unknown): call is Effect.Effect<unknown, unknown> => Effect.isEffect(call)
const isStream = (call: unknown): call is Stream.Stream<unknown, unknown> =>
  Predicate.hasProperty(call, Stream.StreamTypeId)

/** What a call asks that takes no parameters; undefined for the others. */
const askedBy = async (path: string): Promise<string | undefined> => {
  const asked: Array<string> = []
  const fetch: typeof globalThis.fetch = async (url, init) => {
    asked.push(`${init?.method ?? "GET"} ${new URL(String(url)).pathname}`)
    return new Response("{}", { status: 418 })
  }
  const cloud = await Effect.runPromise(makeMaxCloud({ apiUrl: "http://127.0.0.1:1", token: "t", fetch }))
  const call = memberAt(cloud, path)
  if (isEffect(call)) await Effect.runPromiseExit(call)
  else if (isStream(call)) await Effect.runPromiseExit(Stream.runDrain(call))
  return asked[0]
}

describe("the clients", () => {
  const client = createClient({ apiUrl: "http://127.0.0.1:1", token: "t" })

  it("have the method that each operation of the contract names", async () => {
    const cloud = await Effect.runPromise(makeMaxCloud())
    const missing = operations.filter(({ row }) => memberAt(cloud, inMaxCloud(row.client)) === undefined)
    assert.deepStrictEqual(
      missing.map((_) => _.name),
      []
    )
    const onlyAsEffects = operations.filter(({ row }) => typeof memberAt(client, row.client) !== "function")
    assert.deepStrictEqual(
      onlyAsEffects.map((_) => _.name),
      ["health.healthz", "services.exec"]
    )
  })

  it("send what the operation says, by the methods that take nothing", async () => {
    let sent = 0
    for (const { method, path, row } of operations) {
      const asked = await askedBy(inMaxCloud(row.client))
      if (asked === undefined) continue
      sent++
      assert.strictEqual(asked, `${method} ${path}`, row.client)
    }
    assert.isAbove(sent, 15)
  })
})
