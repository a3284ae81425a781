import { HttpApi } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import {
  MaxCloudApi,
  type Operation,
  operations,
  ProblemError,
  TooManyRequests,
  Unauthenticated
} from "@maxcloud/sdk/api"
import { codeOf, problemTable } from "@maxcloud/sdk/errors"
import { Effect, Option, Schema, SchemaAST } from "effect"
import { testApi } from "../../../../test/api/testApi.ts"
import { jsonBudgetOf } from "../gate/jsonBudget.ts"

const Document = Schema.Struct({
  type: Schema.String,
  title: Schema.NonEmptyString,
  status: Schema.Int,
  detail: Schema.NonEmptyString,
  code: Schema.String,
  instance: Schema.String,
  requestId: Schema.NonEmptyString,
  errors: Schema.optional(Schema.Array(ProblemError))
})
const decode = Schema.decodeUnknownSync(Schema.parseJson(Document))

const statusOf = new Map<string, number>(Object.entries(problemTable).map(([tag, { status }]) => [codeOf(tag), status]))
const zeros = "0".repeat(32)
const ids: Readonly<Record<string, string>> = {
  services: `svc_${zeros}`,
  deployments: `dep_${zeros}`,
  "api-keys": `key_${zeros}`,
  invites: `inv_${zeros}`,
  "oidc-trusts": `oidc_${zeros}`,
  erasures: `era_${zeros}`,
  members: `usr_${zeros}`
}
/** A path of the operation with plausible parameter values. */
const pathOf = ({ path }: Operation) =>
  path.replace(/([^/]+)\/:(\w+)/g, (_, before: string, name: string) =>
    name === "digest" ? `${before}/sha256:${"0".repeat(64)}` : `${before}/${ids[before] ?? "a"}`
  )

const stranger = { isToken: () => false, opened: () => Effect.succeed(false) }

/** Reasons for a refusal. Each sends an invalid request and declares what to expect. */
interface Kind {
  readonly name: string
  readonly applies: (operation: Operation) => boolean
  readonly status: number
  readonly api: Parameters<typeof testApi>[0]
  readonly request: (operation: Operation) => { readonly path: string; readonly init: RequestInit }
}

/** Does it contain one of our errors by class? HttpApi's own errors have no `detail`. */
const hasTag = (ast: SchemaAST.AST): boolean => {
  const encoded = SchemaAST.encodedAST(ast)
  if (SchemaAST.isUnion(encoded)) return encoded.types.some(hasTag)
  const names = SchemaAST.isTypeLiteral(encoded) ? encoded.propertySignatures.map(({ name }) => String(name)) : []
  return names.includes("_tag") && names.includes("detail")
}

const plain = (operation: Operation, init: RequestInit = {}) => ({
  path: pathOf(operation),
  init: {
    method: operation.method,
    ...(operation.takesJson ? { headers: { "content-type": "application/json" }, body: "{}" } : {}),
    ...init
  }
})

const isOpen = ({ row }: Operation) => row.roles === "open"
const kinds: ReadonlyArray<Kind> = [
  {
    name: "an unknown query parameter",
    applies: ({ row }) => row.ignoresUnknown !== true,
    status: 400,
    api: {},
    request: (operation) => {
      const { init, path } = plain(operation)
      return { path: `${path}?nonsense=1`, init }
    }
  },
  {
    name: "text that isn't JSON",
    applies: ({ takesJson }) => takesJson,
    status: 400,
    api: {},
    request: (operation) => plain(operation, { body: "{" })
  },
  {
    name: "another content type",
    applies: ({ takesJson }) => takesJson,
    status: 415,
    api: {},
    request: (operation) => plain(operation, { headers: { "content-type": "text/plain" } })
  },
  {
    name: "a large body",
    applies: ({ takesJson }) => takesJson,
    status: 413,
    api: {},
    request: (operation) => plain(operation, { body: `"${"a".repeat(jsonBudgetOf(operation.name).bytes)}"` })
  },
  {
    name: "an unknown key",
    applies: ({ takesJson }) => takesJson,
    status: 400,
    api: {},
    request: (operation) => plain(operation, { body: `{"nonsense":1}` })
  },
  {
    name: "another method",
    applies: () => true,
    status: 405,
    api: {},
    request: (operation) => ({ path: pathOf(operation), init: { method: "PROPFIND" } })
  },
  {
    name: "a path below it",
    applies: () => true,
    status: 404,
    api: {},
    request: (operation) => ({ path: `${pathOf(operation)}/a/b/c`, init: { method: operation.method } })
  },
  {
    name: "no credential",
    applies: ({ name }) => name !== "health.healthz",
    status: 401,
    api: { owner: stranger },
    request: (operation) => plain(operation)
  },
  {
    name: "a wrong credential",
    applies: (operation) => !isOpen(operation),
    status: 401,
    api: {
      owner: stranger,
      authenticator: { authenticate: () => Effect.fail(new Unauthenticated({ detail: "This key was revoked." })) }
    },
    request: (operation) => {
      const { init, path } = plain(operation)
      return { path, init: { ...init, headers: { ...init.headers, authorization: "Bearer mck_wrong" } } }
    }
  },
  {
    name: "too many requests",
    applies: ({ name }) => name !== "health.healthz",
    status: 429,
    api: {
      owner: stranger,
      rateLimits: {
        take: ({ name, quota, windowSeconds }) =>
          Effect.fail(
            new TooManyRequests({
              detail: "Too many requests. Try again in 3 seconds.",
              retryAfterSeconds: 3,
              limit: { name, quota, windowSeconds }
            })
          )
      }
    },
    request: (operation) => plain(operation)
  }
]

const checkHeaders = (headers: Headers, status: number, where: string, hadCredential: boolean) => {
  expect(headers.get("content-type"), where).toBe("application/problem+json")
  expect(headers.get("cache-control"), where).toBe("no-store")
  expect(headers.get("x-content-type-options"), where).toBe("nosniff")
  if (status === 401) {
    const error = hadCredential ? ', error="invalid_token"' : ""
    expect(headers.get("www-authenticate"), where).toBe(`Bearer realm="max-cloud"${error}`)
  }
  if (status === 429) expect(headers.get("retry-after"), where).toBe("3")
  if (status === 405) expect(headers.get("allow"), where).not.toHaveLength(0)
  if ([401, 404, 405, 429].includes(status)) {
    expect(headers.get("ratelimit") ?? "", where).toMatch(/^"[-a-z]+";r=\d+;t=\d+$/)
    expect(headers.get("ratelimit-policy") ?? "", where).toMatch(/^"[-a-z]+";q=\d+;w=\d+$/)
  }
}

describe("a refusal", () => {
  it("is declared in the contract by its code: `addError(wire.NotFound)`, never by its class", () => {
    const tagged: Array<string> = []
    HttpApi.reflect(MaxCloudApi, {
      onGroup: () => {},
      onEndpoint: ({ endpoint, errors, group }) => {
        for (const { ast } of errors.values()) {
          if (Option.exists(ast, hasTag)) tagged.push(`${group.identifier}.${endpoint.name}`)
        }
      }
    })
    expect(tagged).toStrictEqual([])
  })

  it.scopedLive.each(kinds.map((kind) => [kind.name, kind] as const))(
    "of every operation, for %s, is a complete problem document with its headers",
    ([, { api, applies, request, status }]) =>
      Effect.gen(function* () {
        const { url } = yield* testApi(api)
        let asked = 0
        for (const operation of operations.filter(applies)) {
          const { init, path } = request(operation)
          const where = `${operation.method} ${path}`
          const answer = yield* Effect.promise(() => fetch(`${url}${path}`, init))
          const text = yield* Effect.promise(() => answer.text())
          expect(answer.status, `${where} ${text}`).toBe(status)
          const document = decode(text)
          expect(document.status, where).toBe(status)
          expect(document.instance, where).toBe(path.split("?")[0])
          expect(document.requestId, where).toBe(answer.headers.get("x-request-id"))
          expect(document.type, where).toBe(`/problems/${document.code.replaceAll("_", "-")}`)
          expect(statusOf.get(document.code), where).toBe(status)
          expect(text, where).not.toContain("_tag")
          checkHeaders(answer.headers, status, where, new Headers(init.headers).has("authorization"))
          for (const { detail, parameter, pointer } of document.errors ?? []) {
            expect(detail, where).not.toHaveLength(0)
            expect(parameter !== undefined && pointer !== undefined, where).toBe(false)
            if (pointer !== undefined) expect(pointer, where).toMatch(/^(\/([^~/]|~[01])*)*$/)
          }
          asked++
        }
        expect(asked).toBeGreaterThan(5)
      }),
    60_000
  )

  it.scopedLive("has a type that links to a page in English and German, for each code", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({ owner: stranger })
      for (const code of statusOf.keys()) {
        const path = `${url}/problems/${code.replaceAll("_", "-")}`
        const [english, german] = yield* Effect.promise(() =>
          Promise.all(["en", "de"].map((language) => fetch(path, { headers: { "accept-language": language } })))
        )
        expect([english?.status, german?.status], path).toStrictEqual([200, 200])
        const [first, second] = yield* Effect.promise(() => Promise.all([english?.text(), german?.text()]))
        expect(first).toContain(code)
        expect(second).toContain('<html lang="de">')
      }
      const all = yield* Effect.promise(() => fetch(`${url}/problems`).then((answer) => answer.text()))
      expect(all).toContain("not_found")
      expect((yield* Effect.promise(() => fetch(`${url}/problems/nothing`))).status).toBe(404)
    })
  )

  it.scopedLive("keeps the caller's request id, but not the query", () =>
    Effect.gen(function* () {
      const { url } = yield* testApi({ owner: stranger })
      const answer = yield* Effect.promise(() =>
        fetch(`${url}/auth/nothing?token=hunter2`, { headers: { "x-request-id": "mine-1" } })
      )
      const text = yield* Effect.promise(() => answer.text())
      expect(decode(text)).toMatchObject({ requestId: "mine-1", instance: "/auth/nothing" })
      expect(text).not.toContain("hunter2")
    })
  )
})
