import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterAll, assert, beforeAll, describe, expect, it } from "@effect/vitest"
import type { AppSpecEncoded } from "@maxcloud/config-schema"
import { type ClientOptions, createClient } from "@maxcloud/sdk"
import { InvalidSpec } from "@maxcloud/sdk/api"
import { ConfigInvalid, type Deployable, loadConfig, makeMaxCloud } from "@maxcloud/sdk/effect"
import { Effect, Predicate, Stream } from "effect"
import { temporaryFolder } from "../../../sdk/test/temporaryFolder.ts"
import { type Embedded, embedded } from "./index.ts"

const config = (services: string, policies = "") => `
import { defineConfig, external, maxMemory, service } from "@maxcloud/sdk/config"
export default defineConfig({ app: "shop", services: [${services}] ${policies} })
`
/** Pinned by its digest, so no registry is asked. */
const image = `docker.io/library/nginx@sha256:${"0".repeat(64)}`
const policies = `, policies: [maxMemory("16Mi")]`

interface Failing {
  /** A file in the folder, or plain data. */
  readonly app: string | AppSpecEncoded
  readonly options?: { readonly stage?: string; readonly metadata?: Readonly<Record<string, string>> }
  readonly client?: ClientOptions
  /** The error's tag. "shown": a plan lists it among its problems, and a deploy fails. */
  readonly tag: string
  readonly says: RegExp
}

const web = { app: "shop", services: [{ name: "web", image }] } as const

const failing: Readonly<Record<string, Failing>> = {
  "no config": { app: "nowhere.config.ts", tag: "ConfigInvalid", says: /file not found/ },
  "a config that throws": { app: "throws.config.ts", tag: "ConfigInvalid", says: /out of order/ },
  "a wrong field": { app: "port.config.ts", tag: "ConfigInvalid", says: /port/ },
  "a wrong field in plain data": {
    app: { app: "shop", services: [{ name: "web", image, port: 0 }] },
    tag: "InvalidSpec",
    says: /port/
  },
  "a link to nothing": {
    app: { app: "shop", services: [{ name: "web", image, env: { API: { service: "nothing", property: "url" } } }] },
    tag: "InvalidSpec",
    says: /nothing/
  },
  "no source": { app: "source.config.ts", tag: "SourceInvalid", says: /nowhere/ },
  "no source, and a broken policy": { app: "sourceAndPolicy.config.ts", tag: "SourceInvalid", says: /nowhere/ },
  "an unknown stage": { app: web, options: { stage: "No Stage" }, tag: "InvalidRequest", says: /No Stage/ },
  "metadata that is too long": {
    app: web,
    options: { metadata: { commit: "x".repeat(501) } },
    tag: "InvalidRequest",
    says: /500/
  },
  "an environment that is too large": {
    app: { app: "shop", services: [{ name: "web", image, env: { TEXT: "x".repeat(2_000_000) } }] },
    tag: "InvalidSpec",
    says: /2000000 characters/
  },
  "no server": {
    app: web,
    client: { apiUrl: "http://127.0.0.1:1" },
    tag: "NotReachable",
    says: /127\.0\.0\.1:1 can't be reached/
  },
  "an invalid address": { app: web, client: { apiUrl: "localhost:1" }, tag: "InvalidRequest", says: /apiUrl/ },
  "a wrong token": { app: web, client: { token: `mck_${"x".repeat(43)}` }, tag: "Unauthenticated", says: /./ },
  "a token of the wrong kind": {
    app: web,
    client: { token: `whsec_${"x".repeat(32)}` },
    tag: "Unauthenticated",
    says: /./
  },
  "another organization": { app: web, client: { organization: "rival" }, tag: "NotFound", says: /rival/ },
  "a secret that isn't set": {
    app: { app: "shop", services: [{ name: "web", image, env: { KEY: { secret: "MISSING" } } }] },
    tag: "shown",
    says: /MISSING/
  },
  "a link to an app that doesn't exist": { app: "external.config.ts", tag: "shown", says: /billing/ },
  "a policy that refuses": { app: "policy.config.ts", tag: "shown", says: /16Mi/ }
}

interface Told {
  readonly tag: string
  readonly messages: ReadonlyArray<string>
}

/** `plan` fails by showing all its problems. */
const told = (result: unknown): Told => {
  if (Predicate.hasProperty(result, "problems") && Array.isArray(result.problems) && result.problems.length > 0) {
    return { tag: "shown", messages: result.problems.map((each) => String(each.detail)) }
  }
  if (result instanceof ConfigInvalid) return { tag: result._tag, messages: result.issues.map((each) => each.message) }
  if (result instanceof InvalidSpec) return { tag: result._tag, messages: result.errors.map((each) => each.detail) }
  assert(result instanceof Error && Predicate.hasProperty(result, "_tag"), `it didn't fail: ${String(result)}`)
  return { tag: String(result._tag), messages: [result.message] }
}

let cloud: Embedded
let folder: string
beforeAll(async () => {
  folder = temporaryFolder("maxcloud-fail-")
  const files = {
    "throws.config.ts": `throw new Error("out of order")`,
    "port.config.ts": config(`service("web", { image: "${image}", port: 0 })`),
    "source.config.ts": config(`service("web", { source: "./nowhere" })`),
    "sourceAndPolicy.config.ts": config(`service("web", { source: "./nowhere" })`, policies),
    "external.config.ts": config(`service("web", { image: "${image}", env: { API: external("billing", "api").url } })`),
    "policy.config.ts": config(`service("web", { image: "${image}" })`, policies)
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  cloud = await embedded()
})
afterAll(() => cloud?.[Symbol.asyncDispose]())

const outcomes = async ({ app, client: changes, options }: Failing) => {
  const connection = { apiUrl: cloud.url, ...(cloud.token === undefined ? {} : { token: cloud.token }), ...changes }
  const client = createClient(connection)
  const max = await Effect.runPromise(makeMaxCloud(connection))
  const input = typeof app === "string" ? join(folder, app) : app
  const byEffect = <A, E>(call: (app: Deployable) => Effect.Effect<A, E>) =>
    Effect.gen(function* () {
      const loaded = typeof input === "string" ? yield* loadConfig({ file: input, ...options }) : input
      return yield* call(loaded)
    })
  const settled = (promise: Promise<unknown>) => promise.catch((error: unknown) => error)
  const effects = {
    "effect plan": byEffect((app) => max.plan(app, options)),
    "effect preparePlan": byEffect((app) => max.preparePlan(app, options)),
    "effect deploy": byEffect((app) => Stream.runDrain(max.deploy(app, options))),
    "effect deployAndWait": byEffect((app) => max.deployAndWait(app, options))
  }
  const promises = {
    plan: settled(client.plan(input, options)),
    preparePlan: settled(client.preparePlan(input, options)),
    deploy: settled(client.deploy(input, options))
  }
  const found: Record<string, unknown> = {}
  for (const [way, promise] of Object.entries(promises)) found[way] = await promise
  for (const [way, effect] of Object.entries(effects)) {
    found[way] = await Effect.runPromise(Effect.merge<unknown, unknown, never>(effect))
  }
  return Object.entries(found).map(([way, result]) => [way, told(result)] as const)
}

describe("plan and deploy", () => {
  it.each(Object.entries(failing))("fail alike, in both clients: %s", async (_, each) => {
    const [first, ...others] = await outcomes(each)
    assert(first !== undefined)
    expect(first[1].tag).toBe(each.tag)
    expect(first[1].messages.join("\n")).toMatch(each.says)
    for (const [way, { messages, tag }] of others) {
      expect(messages, way).toStrictEqual(first[1].messages)
      if (each.tag === "shown") expect(["shown", "InvalidSpec", "ConfigInvalid"], way).toContain(tag)
      else expect(tag, way).toBe(each.tag)
    }
  })
})
