import { HttpApi, HttpApiError, type HttpServerRequest, type HttpServerResponse } from "@effect/platform"
import { nearest, specIssuesOf } from "@maxcloud/config-schema"
import {
  type InvalidRequest,
  inBody,
  inParameters,
  MaxCloudApi,
  type OperationName,
  type ProblemError,
  rowOf
} from "@maxcloud/sdk/api"
import { holdsSecret } from "@maxcloud/sdk/internal"
import { Effect, Either, Option, Schema, SchemaAST } from "effect"
import { mostErrors, refusalOf } from "../../http/problems.ts"
import type { Route } from "../../http/routeTable.ts"

type Part = "path" | "query" | "header" | "body"
type Decode = (value: unknown) => ReadonlyArray<ProblemError>

/** The checks of one operation, and the names of its query parameters. */
interface Checks {
  readonly parts: Readonly<Record<Part, Decode>>
  readonly query: ReadonlyArray<string>
}

const nothing: Decode = () => []

const decodeOf = (schema: Option.Option<Schema.Schema.All>, part: Part): Decode =>
  Option.match(schema, {
    onNone: () => nothing,
    onSome: ({ ast }) => {
      const decode = Schema.decodeUnknownEither(Schema.make<unknown, unknown>(ast), { errors: "all" })
      return (value) =>
        Either.match(decode(value), {
          onRight: () => [],
          onLeft: (error) => {
            const issues = specIssuesOf(error, holdsSecret)
            return part === "body" ? inBody(issues) : inParameters(issues, part)
          }
        })
    }
  })

const namesIn = (ast: SchemaAST.AST): ReadonlyArray<string> =>
  SchemaAST.isTypeLiteral(ast) ? ast.propertySignatures.map(({ name }) => String(name)) : []

const keysOf = (schema: Option.Option<Schema.Schema.All>): ReadonlyArray<string> =>
  Option.match(schema, {
    onNone: () => [],
    onSome: ({ ast }) => namesIn(SchemaAST.encodedAST(ast))
  })

const checks = new Map<string, Checks>()
HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group }) => {
    checks.set(`${group.identifier}.${endpoint.name}`, {
      parts: {
        path: decodeOf(endpoint.pathSchema, "path"),
        query: decodeOf(endpoint.urlParamsSchema, "query"),
        header: decodeOf(endpoint.headersSchema, "header"),
        body: decodeOf(endpoint.payloadSchema, "body")
      },
      query: keysOf(endpoint.urlParamsSchema)
    })
  }
})

const queryOf = (url: string) => new URL(url, "http://localhost").searchParams

/** Each parameter with its value, or with all its values if it is repeated. */
const recordOf = (query: URLSearchParams) =>
  Object.fromEntries(
    [...new Set(query.keys())].map((name) => {
      const all = query.getAll(name)
      return [name, all.length === 1 ? all[0] : all]
    })
  )

const unknownParameter = (name: string, known: ReadonlyArray<string>): ProblemError => {
  const meant = nearest(name, known)
  const fix =
    meant !== undefined
      ? `Did you mean "${meant}"?`
      : known.length === 0
        ? "This operation takes no query parameters. Remove it."
        : `Use one of ${known.join(", ")}.`
  const shown = JSON.stringify(name.slice(0, 60))
  return {
    parameter: name.slice(0, 200),
    in: "query",
    code: "unknown_field",
    detail: `Unknown query parameter ${shown}. ${fix}`
  }
}

/** The names of the query parameters of an operation. */
export const parametersOf = (operation: OperationName): ReadonlyArray<string> => checks.get(operation)?.query ?? []

/** Refuses unknown query parameters: a misspelled one would otherwise go unnoticed. */
export const refuseUnknownParameters = (
  operation: OperationName,
  { url }: Pick<HttpServerRequest.HttpServerRequest, "url">
): Effect.Effect<void, InvalidRequest> => {
  if (!url.includes("?") || rowOf(operation).ignoresUnknown === true) return Effect.void
  const known = parametersOf(operation)
  const unknown = [...new Set(queryOf(url).keys())].filter((name) => !known.includes(name))
  return unknown.length === 0
    ? Effect.void
    : refusalOf(unknown.slice(0, mostErrors).map((name) => unknownParameter(name, known)))
}

const decodeDecodeError = Schema.decodeUnknownOption(Schema.parseJson(HttpApiError.HttpApiDecodeError))

const isDecodeError = ({ body, status }: HttpServerResponse.HttpServerResponse) =>
  status === 400 && body._tag === "Uint8Array" && Option.isSome(decodeDecodeError(new TextDecoder().decode(body.body)))

/** Every mistake in a part of a request, by the operation's schema. */
export const mistakesIn = (operation: OperationName, part: Part, value: unknown): ReadonlyArray<ProblemError> =>
  checks.get(operation)?.parts[part](value) ?? []

/**
 * Replaces HttpApi's refusals, which name only the first mistake, and in the library's words. Reads the request again and names
 * every mistake in plain words. `json`: the body as read before.
 */
export const explained = (
  operation: OperationName,
  request: HttpServerRequest.HttpServerRequest,
  route: Route,
  json: unknown,
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<HttpServerResponse.HttpServerResponse, InvalidRequest> => {
  if (!isDecodeError(response)) return Effect.succeed(response)
  return refusalOf([
    ...mistakesIn(operation, "path", route.parameters),
    ...mistakesIn(operation, "query", recordOf(queryOf(request.url))),
    ...mistakesIn(operation, "header", request.headers),
    ...(route.withJson.has(request.method) ? mistakesIn(operation, "body", json) : [])
  ])
}
