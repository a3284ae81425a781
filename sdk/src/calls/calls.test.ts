import { inspect } from "node:util"
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Predicate, Stream } from "effect"
import { InvalidRequest, operations } from "../api/index.ts"
import { createClient } from "../client.ts"
import { makeMaxCloud } from "../MaxCloud.ts"
import { isListing } from "./listing.ts"

/** What stands at `auth.apiKeys.list`, for example. */
const memberAt = (client: object, path: string): unknown =>
  path.split(".").reduce<unknown>((at, name) => (Predicate.hasProperty(at, name) ? at[name] : undefined), client)

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
  else if (isListing(call)) await Effect.runPromiseExit(call())
  else if (isStream(call)) await Effect.runPromiseExit(Stream.runDrain(call))
  return asked[0]
}

describe("the clients", () => {
  const client = createClient({ apiUrl: "http://127.0.0.1:1", token: "t" })

  it("have the method that each operation of the contract names", async () => {
    const cloud = await Effect.runPromise(makeMaxCloud())
    const missing = operations.filter(({ row }) => memberAt(cloud, row.client) === undefined)
    expect(missing.map((_) => _.name)).toStrictEqual([])
    const onlyAsEffects = operations.filter(({ row }) => typeof memberAt(client, row.client) !== "function")
    expect(onlyAsEffects.map((_) => _.name)).toStrictEqual(["services.exec"])
  })

  it("have the same groups and calls, but for what only promises or only Effects need", async () => {
    const namesIn = (value: object, place = ""): ReadonlyArray<string> =>
      Object.entries(value).flatMap(([name, member]) =>
        typeof member === "object" && member !== null && !Effect.isEffect(member) && !isStream(member)
          ? namesIn(member, `${place}${name}.`)
          : [`${place}${name}`]
      )
    const promises = new Set(namesIn(client))
    const effects = new Set(namesIn(await Effect.runPromise(makeMaxCloud())))
    expect([...effects].filter((name) => !promises.has(name)).sort()).toStrictEqual(["deployAndWait", "services.exec"])
    expect([...promises].filter((name) => !effects.has(name))).toStrictEqual(["close"])
  })

  it("send what the operation says, by the methods that take nothing", async () => {
    let sent = 0
    for (const { method, path, row } of operations) {
      const asked = await askedBy(row.client)
      if (asked === undefined) continue
      sent++
      expect(asked, row.client).toBe(`${method} ${path}`)
    }
    expect(sent).toBeGreaterThan(15)
  })
})

describe("what isn't of the type that a call takes", () => {
  /** Every call of a client, by its place: `auth.apiKeys.create`. */
  const callsIn = (client: object, place: string): ReadonlyArray<readonly [string, (...given: unknown[]) => unknown]> =>
    Object.entries(client).flatMap(([name, call]) => {
      if (typeof call === "function" && name !== "close") return [[place + name, call] as const]
      return typeof call === "object" && call !== null ? callsIn(call, `${place}${name}.`) : []
    })

  const junk = [undefined, "", 5, true, {}, [], "No Name"]

  const attempts = async (given: ReadonlyArray<unknown>) => {
    const sent: Array<string> = []
    const fetch: typeof globalThis.fetch = async (url) => {
      sent.push(new URL(String(url)).pathname)
      return Response.json([{}], { status: 418 })
    }
    const client = createClient({ apiUrl: "http://127.0.0.1:1", token: "t", fetch })
    const failures: Array<readonly [string, unknown]> = []
    for (const [place, call] of callsIn(client, "")) {
      const asked = sent.length
      const result = await Promise.resolve()
        .then(async () => {
          const answer = call(...given)
          if (Predicate.hasProperty(answer, Symbol.asyncIterator)) {
            for await (const _ of answer as AsyncIterable<unknown>) break
          } else await answer
        })
        .then(
          () => undefined,
          (error: unknown) => error
        )
      failures.push([`${place}${sent.length === asked ? "" : " sent"}`, result])
    }
    return failures
  }

  it("is refused by a typed error", async () => {
    const wrong: Array<string> = []
    for (const value of junk) {
      for (const [place, error] of await attempts([value, value, value])) {
        if (!Predicate.hasProperty(error, "_tag")) wrong.push(`${place}(${JSON.stringify(value)}): ${error}`)
      }
    }
    expect(wrong).toStrictEqual([])
  })

  it("is refused as options: null, a text, a misspelt name", async () => {
    const sent: Array<string> = []
    const fetch: typeof globalThis.fetch = async (url) => {
      sent.push(String(url))
      return Response.json({}, { status: 418 })
    }
    const client = createClient({ apiUrl: "http://127.0.0.1:1", token: "t", fetch })
    const spec = { app: "shop", services: [{ name: "api", image: "nginx" }] }
    const isAny = (_: unknown): _ is never => true
    for (const options of [null, "preview-1", 5, [], { stgae: "preview-1" }].filter(isAny)) {
      const attempts: ReadonlyArray<() => Promise<unknown>> = [
        () => client.deploy(spec, options),
        () => client.plan(spec, options),
        () => client.services.delete("web", options),
        () => client.services.restart("web", options),
        () => client.apps.destroy("shop", options),
        () => client.secrets.unset("shop", "KEY", options),
        async () => {
          for await (const _ of client.logs("web", options)) return
        }
      ]
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => expect.unreachable("sent"),
          (_: unknown) => _
        )
        assert(error instanceof InvalidRequest, `${attempt} ${JSON.stringify(options)}`)
        expect(error.message).toMatch(/isn't an (object of options|option)\. .*stage/)
      }
      expect(() => createClient(options)).toThrow(/^createClient: .* isn't an (object of options|option)\. .*apiUrl/)
    }
    expect(sent).toStrictEqual([])
  })

  it("names no service, app or deployment where it is missing", async () => {
    const takesNothing = operations.filter(({ path }) => !path.includes("{") && !path.includes(":"))
    const optional = new Set([...takesNothing.map(({ row }) => row.client), "events.follow"])
    const sent = (await attempts([undefined])).filter(([place]) => place.endsWith(" sent"))
    const named = sent.map(([place]) => place.replace(" sent", "")).filter((place) => !optional.has(place))
    expect(named).toStrictEqual([])
  })

  it("isn't quoted where it is a secret", async () => {
    const secret = "not-to-be-told"
    const values: ReadonlyArray<unknown> = [{ a: secret }, [secret], `${secret}\0`.repeat(9000)]
    const isAny = (_: unknown): _ is never => true
    const client = createClient({ apiUrl: "http://127.0.0.1:1", token: "t" })
    for (const value of values.filter(isAny)) {
      const attempts = [
        () => client.secrets.set("shop", "KEY", value),
        () => client.secrets.import("shop", { KEY: value }),
        () => client.registries.login("registry.example.com", "ada", value),
        () => client.auth.verify(value),
        () => client.auth.acceptInvite(value),
        () => client.auth.pollDevice(value),
        () => client.auth.register({ email: "ada@example.com", organization: "acme", bootstrapToken: value })
      ]
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => expect.unreachable("sent"),
          (_: unknown) => _
        )
        expect(["InvalidRequest"], `${attempt}`).toContain(Predicate.hasProperty(error, "_tag") ? error._tag : error)
        expect(inspect(error, { depth: 9 }), `${attempt}`).not.toContain(secret)
      }
    }
  })

  it("isn't quoted where it is the token", async () => {
    for (const token of [
      "mck_not-to-be-told\nmore",
      "mck_not-to-be-told\u20ac",
      async () => "mck_not-to-be-told\r\nmore"
    ]) {
      const client = createClient({ apiUrl: "http://127.0.0.1:1", token })
      const read = async () => {
        for await (const _ of client.logs("web")) expect.unreachable("nothing can come")
      }
      for (const attempt of [() => client.info(), () => client.services.list(), read]) {
        const error = await attempt().then(
          () => expect.unreachable("sent"),
          (_: unknown) => _
        )
        expect(Predicate.hasProperty(error, "_tag") ? error._tag : error).toBe("Unauthenticated")
        expect(inspect(error, { depth: 9 })).not.toContain("not-to-be-told")
      }
    }
  })
})
