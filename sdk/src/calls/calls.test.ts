import { inspect } from "node:util"
import { assert, describe, expect, it } from "@effect/vitest"
import { Effect, Predicate, type Scope, Stream } from "effect"
import { InvalidRequest, operations } from "../api/index.ts"
import { createClient } from "../client.ts"
import { makeMaxCloud } from "../MaxCloud.ts"
import { isListing } from "./listing.ts"

/** The value at a path such as `auth.apiKeys.list`. */
const memberAt = (client: object, path: string): unknown =>
  path.split(".").reduce<unknown>((at, name) => (Predicate.hasProperty(at, name) ? at[name] : undefined), client)

const isEffect = (call: unknown): call is Effect.Effect<unknown, unknown> => Effect.isEffect(call)
const isStream = (call: unknown): call is Stream.Stream<unknown, unknown> =>
  Predicate.hasProperty(call, Stream.StreamTypeId)

/** Runs an Effect or a stream, with a scope if it needs one. */
const isScoped = (call: unknown): call is Effect.Effect<unknown, unknown, Scope.Scope> => Effect.isEffect(call)
const fail = (error: unknown) => Promise.reject(error)
const runScoped = (effect: Effect.Effect<unknown, unknown, Scope.Scope>) =>
  Effect.runPromise(Effect.flip(Effect.scoped(effect))).then(fail)

/** The request of a call without parameters; undefined if it has parameters. */
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

/** A client, and the URLs that it has called. */
const noting = () => {
  const sent: Array<string> = []
  const fetch: typeof globalThis.fetch = async (url) => {
    sent.push(String(url))
    return Response.json({}, { status: 418 })
  }
  return { sent, client: createClient({ apiUrl: "http://127.0.0.1:1", token: "t", fetch }) }
}

describe("the clients", () => {
  const client = createClient({ apiUrl: "http://127.0.0.1:1", token: "t" })

  it("have a method for each operation of the contract, with its name", async () => {
    const cloud = await Effect.runPromise(makeMaxCloud())
    const missing = operations.filter(({ row }) => memberAt(cloud, row.client) === undefined)
    expect(missing.map((_) => _.name)).toStrictEqual([])
    const onlyAsEffects = operations.filter(({ row }) => typeof memberAt(client, row.client) !== "function")
    expect(onlyAsEffects.map((_) => _.name)).toStrictEqual(["services.exec"])
  })

  it("have the same groups and calls, except those that only promises or only Effects need", async () => {
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

  it("send the operation's request from methods without parameters", async () => {
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

describe("an argument of the wrong type", () => {
  /** Every call of a client, by its path: `auth.apiKeys.create`. */
  const callsIn = (client: object, place: string): ReadonlyArray<readonly [string, (...given: unknown[]) => unknown]> =>
    Object.entries(client).flatMap(([name, call]) => {
      if (typeof call === "function" && name !== "close") return [[place + name, call] as const]
      const isGroup = typeof call === "object" && call !== null && !isEffect(call) && !isStream(call)
      return isGroup ? callsIn(call, `${place}${name}.`) : []
    })

  const junk: ReadonlyArray<unknown> = [
    undefined,
    null,
    "",
    "No Name",
    5,
    Number.NaN,
    10n,
    true,
    Symbol("x"),
    () => 1,
    {},
    [],
    [null],
    new Date(0),
    new Map([["stage", "preview"]]),
    Object.create(null),
    Object.create({ stage: "preview" }),
    JSON.parse('{ "__proto__": { "stage": "preview" } }'),
    { signal: 5, onProgress: 5, stage: 5, app: 5, sort: 5 }
  ]
  const fewer: ReadonlyArray<unknown> = [null, 5, [], { signal: 5, onProgress: 5, stage: 5, app: 5 }]
  const id = (kind: string) => `${kind}_${"0".repeat(32)}`
  /** Valid values come first, so that each parameter is the invalid one once. */
  const beginnings: ReadonlyArray<ReadonlyArray<unknown>> = [
    [],
    ["shop"],
    ["shop", "KEY"],
    ["shop", 1],
    ["shop", ["KEY"], { stage: "preview" }],
    [{}],
    [{}, "shop"],
    [{ app: "shop", services: [{ name: "api", image: "nginx" }] }],
    ...["dep", "whk", "key", "oidc", "usr", "inv"].map((kind) => [id(kind)])
  ]

  const makeAttempts = async () => {
    const sent: Array<string> = []
    const fetch: typeof globalThis.fetch = async (url) => {
      sent.push(new URL(String(url)).pathname)
      return Response.json([{}], { status: 418 })
    }
    const options = { apiUrl: "http://127.0.0.1:1", token: "t", fetch }
    const calls = [
      ...callsIn(createClient(options), ""),
      ...callsIn(await Effect.runPromise(makeMaxCloud(options)), "").map(
        ([place, call]) => [`effect ${place}`, call] as const
      )
    ]
    return async (given: ReadonlyArray<unknown>) => {
      const failures: Array<readonly [string, unknown]> = []
      for (const [place, call] of calls) {
        const asked = sent.length
        const result = await Promise.resolve()
          .then(async () => {
            const answer = call(...given)
            if (isScoped(answer)) await runScoped(answer)
            else if (isStream(answer)) await Effect.runPromise(Effect.flip(Stream.runDrain(answer))).then(fail)
            else if (Predicate.hasProperty(answer, Symbol.asyncIterator)) {
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
  }

  it("is refused with a typed error", async () => {
    const wrong: Array<string> = []
    const attempts = await makeAttempts()
    for (const [at, beginning] of beginnings.entries()) {
      for (const value of at === 0 ? junk : fewer) {
        const given = [...beginning, value, value, value]
        for (const [place, error] of await attempts(given)) {
          if (!Predicate.hasProperty(error, "_tag")) wrong.push(`${place}(${inspect(given)}): ${inspect(error)}`)
        }
      }
    }
    expect(wrong).toStrictEqual([])
  })

  it("is refused as options and filters before anything is sent", async () => {
    const { client, sent } = noting()
    const spec = { app: "shop", services: [{ name: "api", image: "nginx" }] }
    const isAny = (_: unknown): _ is never => true
    // A value without members counts as no options.
    const none = (value: unknown) =>
      value === undefined ||
      (Object.prototype.toString.call(value) === "[object Object]" &&
        Reflect.ownKeys(Object(value)).length === 0 &&
        !Predicate.hasProperty(value, "stage"))
    const wrong = [...junk.filter((value) => !none(value)), { misspelt: "preview" }]
    for (const options of wrong.filter(isAny)) {
      const attempts: ReadonlyArray<() => Promise<unknown>> = [
        () => client.info(options),
        () => client.auth.status(options),
        () => client.usage(options),
        () => client.waitFor(id("dep"), options),
        () => client.services.list(options),
        () => client.services.list.page(options),
        () => client.services.list.page({}, options),
        () => client.services.get("web", options),
        () => client.services.deleteAndWait("web", options),
        () => client.services.revisions("web", options),
        () => client.apps.list(options),
        () => client.apps.drift("shop", options),
        () => client.apps.destroyAndWait("shop", options),
        () => client.deployments.list("shop", options),
        () => client.deployments.rollback("shop", 1, options),
        () => client.events.list(options),
        () => client.webhooks.list(options),
        () => client.webhooks.rotateSecret(id("whk"), options),
        () => client.secrets.list("shop", options),
        () => client.secrets.copy("shop", ["KEY"], { stage: "dev" }, options),
        () => client.secrets.copy("shop", ["KEY"], options),
        () => client.auth.apiKeys.list(options),
        () => client.auth.apiKeys.rotate(id("key"), options),
        () => client.organization.members(options),
        () => client.organization.delete("acme", options),
        () => client.audit.list(options),
        // These take no options but a signal.
        () => client.policies.list(options),
        () => client.policies.list.page({}, options),
        () => client.policies.get("web", options),
        () => client.policies.set("web", { expression: "true" }, options),
        () => client.registries.logout("registry.example.com", options),
        () => client.auth.apiKeys.delete(id("key"), options),
        () => client.auth.switchOrganization("acme", options),
        () => client.preparePlan(spec, options),
        ...[
          client.events.follow(options),
          client.deployments.events(id("dep"), options),
          client.audit.export(options),
          client.registries.list.each(options)
        ].map((lines) => async () => {
          for await (const _ of lines) return
        })
      ]
      for (const attempt of attempts) {
        const error = await attempt().then(
          () => expect.unreachable("sent"),
          (_: unknown) => _
        )
        expect(error instanceof InvalidRequest, `${attempt} ${inspect(options)}: ${inspect(error)}`).toBe(true)
      }
    }
    expect(sent).toStrictEqual([])
  })

  it("doesn't include plain strings for names and ids", async () => {
    const sent: Array<string> = []
    const fetch: typeof globalThis.fetch = async (url, init) => {
      sent.push(`${init?.method ?? "GET"} ${new URL(String(url)).pathname.split("/").slice(3, 5).join("/")}`)
      return Response.json({}, { status: 418 })
    }
    const options = { apiUrl: "http://127.0.0.1:1", token: "t", fetch }
    const client = createClient(options)
    const cloud = await Effect.runPromise(makeMaxCloud(options))
    const [app, stage, name]: [string, string, string] = ["shop", "preview", "web"]
    const deployment: string = id("dep")
    const webhook: string = id("whk")
    const calls: ReadonlyArray<Promise<unknown>> = [
      client.apps.outputs(app, { stage }),
      client.apps.destroy(app, { stage }),
      client.apps.list({ app, stage }),
      client.deployments.list(app, { stage }),
      client.deployments.byNumber(app, 1, { stage }),
      client.deployments.get(deployment),
      client.waitFor(deployment),
      client.services.list({ app, stage, name }),
      client.services.get(name, { app, stage }),
      client.secrets.unset(app, "KEY", { stage }),
      client.webhooks.get(webhook),
      client.usage({ since: "1h" }),
      Effect.runPromise(cloud.deployments.list(app, { stage })),
      Effect.runPromise(cloud.deployments.get(deployment)),
      Effect.runPromise(cloud.services.get(name, { app, stage })),
      Effect.runPromise(cloud.webhooks.get(webhook))
    ]
    await Promise.allSettled(calls)
    expect(sent).toHaveLength(calls.length)
  })

  it("is refused as options: null, a text, a misspelled name", async () => {
    const { client, sent } = noting()
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

  it("doesn't count as a service, app or deployment if it is missing", async () => {
    const takesNothing = operations.filter(({ path }) => !path.includes("{") && !path.includes(":"))
    const optional = new Set([...takesNothing.map(({ row }) => row.client), "events.follow"])
    const sent = (await (await makeAttempts())([undefined])).filter(([place]) => place.endsWith(" sent"))
    const named = sent.map(([place]) => place.replace(/^effect | sent$/g, "")).filter((place) => !optional.has(place))
    expect(named).toStrictEqual([])
  })

  it("isn't quoted if it is a secret", async () => {
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

  it("isn't quoted if it is the token", async () => {
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
