import { OpenApi } from "@effect/platform"
import { appSpecJsonSchema } from "@maxcloud/config-schema/json-schema"
import { type EndpointRow, isRepeatable, MaxCloudApi, type OperationName, rowOf } from "@maxcloud/sdk/api"
import { keptHours } from "../../../tenancy/repeats/KeptAnswers.ts"
import { routeOf } from "../../http/routeTable.ts"
import { alwaysWritten } from "./alwaysWritten.ts"
import { makeComponents, opened, reachable } from "./components.ts"
import { answerExample, examples, parameterExamples, requestExample } from "./examples.ts"
import { isJson, type Json, refTo } from "./json.ts"
import { readable, typesOfLibrary } from "./readable.ts"
import { anyProblem, headers, makeProblems, problemSchema, type ResponseOrRef, success } from "./responses.ts"
import { tags } from "./tags.ts"

const methods = ["get", "post", "put", "delete", "patch", "head", "options", "trace"] as const

type Made = NonNullable<OpenApi.OpenAPISpecPathItem["get"]>
type Content = Readonly<Record<string, { readonly schema: unknown; readonly examples?: Json }>>

export interface Parameter {
  readonly name: string
  readonly in: string
  readonly required: boolean
  readonly description?: string
  readonly schema: unknown
  readonly example?: unknown
}

/** An operation of the document. */
export interface Operation {
  readonly tags: ReadonlyArray<string>
  readonly operationId: string
  readonly summary: string
  readonly description: string
  readonly deprecated?: boolean
  readonly parameters: ReadonlyArray<Parameter>
  readonly requestBody?: { readonly required: boolean; readonly content: Content }
  readonly security: ReadonlyArray<Json>
  readonly responses: Readonly<Record<string, ResponseOrRef>>
}

/** The AppSpec's own schemas, as components. */
const appSchemas = (): Readonly<Record<string, Json>> => {
  const { $defs } = appSpecJsonSchema()
  const moved: unknown = JSON.parse(JSON.stringify($defs).replaceAll("#/$defs/", "#/components/schemas/"))
  return isJson(moved)
    ? Object.fromEntries(Object.entries(moved).filter((each): each is [string, Json] => isJson(each[1])))
    : {}
}

const pascal = (id: string) => id.charAt(0).toUpperCase() + id.slice(1)

/** The operations that accept an idempotency key. */
const idempotencyKey: Parameter = {
  name: "idempotency-key",
  in: "header",
  required: false,
  description: `Two requests with the same key count as one for ${keptHours} hours. The second gets the answer of the first, with \`Idempotent-Replayed: true\`. Use a new key, such as a UUID, for each change.`,
  schema: { type: "string", minLength: 1, maxLength: 200 }
}

/** An operation's refusals with a status, including those of a key. */
const orProblem = ({ responses }: Made, status: 409 | 422) => {
  const [found] = Object.values(responses[status]?.content ?? {})
  const anyOf = [...(found === undefined ? [] : [found.schema]), refTo("Problem")]
  return { content: { "application/problem+json": { schema: { anyOf } } } }
}

/** Marks these fields as always present. */
const withFields = (schema: Json, names: ReadonlyArray<string>): Json => {
  if (names.length === 0) return schema
  const { required = [] } = schema
  return { ...schema, required: [...(Array.isArray(required) ? required : []), ...names] }
}

const refused = (schema: string) => ({ content: { "application/problem+json": { schema: refTo(schema) } } })

/** The answers of an operation, with those that every operation of its kind has. */
const responsesOf = (
  path: string,
  operation: Made,
  takesKey: boolean
): Readonly<Record<string, { readonly content?: Json }>> => ({
  // A name that no path can contain answers 404 before the operation is found.
  ...(path.includes("{") ? { 404: refused("NotFound") } : undefined),
  ...operation.responses,
  ...(takesKey ? { 409: orProblem(operation, 409), 422: orProblem(operation, 422) } : undefined),
  ...(operation.requestBody === undefined ? undefined : { 413: refused("PayloadTooLarge"), 415: refused("Problem") })
})

/** The document's schemas by name, and a reader of HttpApi's. */
const makeSchemas = (made: OpenApi.OpenAPISpec) => {
  const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...schemas } = made.components.schemas
  const known: Readonly<Record<string, unknown>> = { ...schemas, ...appSchemas() }
  const library = typesOfLibrary(known)
  const written = alwaysWritten()
  const clean = (schema: unknown) => (isJson(schema) ? readable(schema, known, library) : {})
  const named = Object.entries(known).flatMap(([name, schema]) =>
    library.has(name) ? [] : [{ name, schema: problemSchema(clean(schema)), fields: written.get(name) ?? [] }]
  )
  const components = makeComponents(
    Object.fromEntries(named.map(({ fields, name, schema }) => [name, withFields(schema, fields)]))
  )
  // HttpApi repeats a schema with a status of its own in place. It must stay the same as the named one.
  const fieldsOf = new Map(named.map(({ fields, schema }) => [JSON.stringify(schema), fields]))
  const complete = (schema: unknown) => {
    const found = clean(schema)
    return withFields(found, fieldsOf.get(JSON.stringify(found)) ?? [])
  }
  return { clean: complete, components }
}

/** Builds the document's operations, and collects their shared parts. */
const makeOperations = (made: OpenApi.OpenAPISpec) => {
  const { clean, components } = makeSchemas(made)
  const problems = makeProblems()

  const parameter = ({ description, ...given }: Made["parameters"][number]): Parameter => {
    const { description: own, ...schema } = clean(given.schema)
    const example = given.in === "path" ? parameterExamples(given.name, schema) : undefined
    return {
      ...given,
      schema,
      ...(typeof own === "string" ? { description: own } : undefined),
      ...(example === undefined ? undefined : { example })
    }
  }

  const contentOf = (content: Json | undefined, place: string, example: string | undefined): Content | undefined =>
    content === undefined
      ? undefined
      : Object.fromEntries(
          Object.entries(content).map(([type, found]) => [
            type,
            {
              schema: components.named(clean(isJson(found) ? found["schema"] : undefined), place),
              ...(example === undefined
                ? undefined
                : { examples: { usual: { $ref: `#/components/examples/${example}` } } })
            }
          ])
        )

  const bodyOf = (row: EndpointRow, name: OperationName, operation: Made): Operation["requestBody"] => {
    if (row.content !== undefined)
      return { required: true, content: { [row.content]: { schema: { type: "string", format: "binary" } } } }
    const content = contentOf(operation.requestBody?.content, `${pascal(row.id)}Request`, requestExample(name))
    return content === undefined ? undefined : { required: true, content }
  }

  const responseOf = (
    row: EndpointRow,
    name: OperationName,
    operation: Made,
    status: string,
    content: Json | undefined
  ): ResponseOrRef => {
    if (Number(status) >= 400) {
      const [found] = Object.values(content ?? {})
      return problems.answer(status, status === "400" ? refTo("InvalidRequest") : isJson(found) ? found["schema"] : {})
    }
    const hasCursor = operation.parameters.some((each) => each.name === "cursor")
    return success(status, contentOf(content, `${pascal(row.id)}Answer`, answerExample(name)), { name, hasCursor })
  }

  const complete = (path: string, method: string, operation: Made): Operation => {
    const name = routeOf(path)?.operations.get(method.toUpperCase())
    if (name === undefined) throw new Error(`${method} ${path} isn't an operation of the contract.`)
    const row = rowOf(name)
    const body = bodyOf(row, name, operation)
    const { requestBody: _, ...rest } = operation
    const takesKey = isRepeatable(name)
    const responses = responsesOf(path, operation, takesKey)
    return {
      ...rest,
      summary: row.summary,
      description: row.description,
      parameters: [...operation.parameters.map(parameter), ...(takesKey ? [idempotencyKey] : [])],
      ...(body === undefined ? undefined : { requestBody: body }),
      ...(row.deprecated === undefined ? undefined : { deprecated: true }),
      security: row.roles === "open" ? [] : [{ bearer: [] }],
      responses: Object.fromEntries(
        Object.entries(responses).map(([status, { content }]) => [
          status,
          responseOf(row, name, operation, status, content)
        ])
      )
    }
  }
  return { complete, components, problems }
}

/** Answers are open: only schemas used solely by requests keep `additionalProperties: false`. */
const openedAnswers = (
  components: ReadonlyMap<string, Json>,
  operations: ReadonlyArray<Operation>,
  problems: Json
): Readonly<Record<string, Json>> => {
  const answers = reachable([operations.map((each) => each.responses), problems, refTo("Problem")], components)
  return Object.fromEntries(
    [...components]
      .map(([name, schema]) => [name, answers.has(name) ? opened(schema) : schema] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1))
  )
}

const securitySchemes = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description:
      "A session (`mcs_…`), an API key (`mck_…`) or, for audience `maxcloud/<organization>`, a token of an OIDC issuer that the organization trusts. A server with `MAXCLOUD_AUTH=local` also accepts requests without one, as the owner of its only organization."
  }
}

/**
 * The API as an OpenAPI 3.1 document, for client generators. It is HttpApi's output with our own error documents, one name for
 * each schema, and everything HttpApi doesn't know: credentials, raw bodies, refusals before routing, headers, the AppSpec and
 * examples.
 */
export const openApi = () => {
  const made = OpenApi.fromApi(MaxCloudApi)
  const { complete, components, problems } = makeOperations(made)
  const paths = Object.fromEntries(
    Object.entries(made.paths).map(([path, item]) => [
      path,
      Object.fromEntries(
        methods.flatMap((method): ReadonlyArray<readonly [string, Operation]> => {
          const operation = item[method]
          return operation === undefined ? [] : [[method, complete(path, method, operation)]]
        })
      )
    ])
  )
  const operations = Object.values(paths).flatMap((item) => Object.values(item))
  return {
    openapi: made.openapi,
    info: { ...made.info, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    tags: tags(),
    paths,
    components: {
      securitySchemes,
      headers,
      responses: problems.all(),
      schemas: openedAnswers(new Map([...components.all(), ["Problem", anyProblem]]), operations, problems.all()),
      examples: examples()
    }
  }
}
