import type { OperationName } from "@maxcloud/sdk/api"
import { isJson, type Json, referred, refTo } from "./json.ts"

/** The meaning of each status, for every operation. */
const meaning: Readonly<Record<string, string>> = {
  101: "The connection is a WebSocket from here on.",
  200: "Done.",
  201: "Created.",
  202: "Accepted: durable, and on its way.",
  204: "Done; there is nothing to tell.",
  400: "The request cannot be read; `errors` tells where and why.",
  401: "No credential, or one that is not known.",
  403: "Refused: a role or a scope that does not allow it, more than the organization may have, or a foreign Host or Origin.",
  404: "Nothing of that kind and name in the organization.",
  408: "The request did not arrive in time.",
  409: "Something else has the name, or the state doesn't allow it. `code` is `request_in_progress` if the same request is being carried out, and `answer_lost` if it was and the server stopped before it could answer.",
  412: "What would be deployed isn't what was planned. Plan again.",
  413: "The body is too large.",
  422: "The AppSpec can be read but not deployed; `errors` tells where and why. `code` is `idempotency_key_reused` if the key came with another request.",
  415: "The body is not of the content type that the operation takes.",
  429: "More requests than the rate limit allows: go on after `Retry-After` seconds.",
  431: "The head of the request is larger than 64 KiB.",
  500: "A mistake of the server's own. Its log has the cause under `requestId`.",
  503: "A part of the server is unreachable: send the same request again after `Retry-After` seconds.",
  507: "The server's disk has too little room. Whoever runs the server has to make some."
}

const text = (description: string) => ({ description, schema: { type: "string" } })

/** Every header of an answer, once. */
export const headers: Readonly<Record<string, Json>> = {
  "x-request-id": text("Names the request in the server's log, and in a problem document."),
  "ratelimit-policy": text(
    "The limit that the request counted for: `q` requests in `w` seconds. Absent if none applies."
  ),
  ratelimit: text("Of that limit `r` requests are left, and all of them again in `t` seconds."),
  "next-link": text('`rel="next"`: the next page. Without it this is the last one (RFC 8288).'),
  "monitor-link": text('`rel="monitor"`: the deployment that ends its instances.'),
  etag: text("The plan's `id` in quotes, for `If-Match` of a deployment. Absent if it has no id."),
  location: text("The path of what was created, or of the deployment that was accepted."),
  "www-authenticate": text("`Bearer`, with `error` if a credential was sent (RFC 6750)."),
  "retry-after": { description: "Seconds to wait.", schema: { type: "integer" } }
}

const header = (name: string) => ({ $ref: `#/components/headers/${name}` })

const headersOf = (status: string, link: "next-link" | "monitor-link" | undefined) => ({
  "x-request-id": header("x-request-id"),
  "ratelimit-policy": header("ratelimit-policy"),
  ratelimit: header("ratelimit"),
  ...(link === undefined || !status.startsWith("2") ? undefined : { link: header(link) }),
  ...(status === "201" || status === "202" ? { location: header("location") } : undefined),
  ...(status === "401" ? { "www-authenticate": header("www-authenticate") } : undefined),
  ...(status === "429" || status === "503" ? { "retry-after": header("retry-after") } : undefined)
})

/** An answer of an operation, or a reference to one that several have. */
export interface Response {
  readonly description: string
  readonly headers?: Json
  readonly content?: Readonly<Record<string, { readonly schema: unknown; readonly examples?: Json }>>
}
export type ResponseOrRef = Response | { readonly $ref: string }

/** The headers that lead on from an answer (RFC 8288). */
const linkOf = (name: OperationName | undefined, hasCursor: boolean) => {
  if (name === "services.delete") return "monitor-link"
  return hasCursor ? "next-link" : undefined
}

/** An operation's answer that isn't a problem. */
export const success = (
  status: string,
  content: Response["content"],
  operation: { readonly name: OperationName | undefined; readonly hasCursor: boolean }
): Response => ({
  description: meaning[status] ?? "Done.",
  headers: {
    ...headersOf(status, linkOf(operation.name, operation.hasCursor)),
    ...(operation.name === "apps.plan" ? { etag: header("etag") } : undefined)
  },
  ...(content === undefined ? undefined : { content })
})

/** The names of the problems that a schema allows. */
const problemsIn = (schema: unknown): ReadonlyArray<string> => {
  const name = referred(schema)
  if (name !== undefined) return [name]
  return isJson(schema) && Array.isArray(schema["anyOf"]) ? schema["anyOf"].flatMap(problemsIn) : []
}

/** The problems that operations answer with, each once. */
export const makeProblems = () => {
  const made = new Map<string, Response>()
  return {
    all: (): Readonly<Record<string, Response>> => Object.fromEntries(made),
    /** The answer with one of these problems. */
    answer: (status: string, schema: unknown): { readonly $ref: string } => {
      const problems = [...new Set(problemsIn(schema))].sort()
      const name = problems[0] === "Problem" ? `Problem${status}` : problems.join("Or")
      made.set(name, {
        description: meaning[status] ?? "",
        headers: headersOf(status, undefined),
        content: {
          "application/problem+json": {
            schema: problems.length === 1 ? refTo(problems[0] ?? "Problem") : { anyOf: problems.map(refTo) }
          }
        }
      })
      return { $ref: `#/components/responses/${name}` }
    }
  }
}

/** The fields that every problem has. */
const problemFields = {
  type: {
    type: "string",
    format: "uri-reference",
    description: "The path of the page of this server that explains the problem."
  },
  title: { type: "string" },
  status: { type: "integer" },
  detail: { type: "string", description: "What happened, where, and how to fix it. For people: don't parse it." },
  code: { type: "string", description: "Tells problems apart. Newer servers may have more." },
  instance: { type: "string", format: "uri-reference", description: "The path of the request." },
  requestId: { type: "string", description: "As in the header `X-Request-Id`, and in the server's log." }
}

/** A problem document of any kind. */
export const anyProblem = {
  type: "object",
  description:
    "A problem document (RFC 9457): the form of every error. `code` tells errors apart; paths that do not exist answer 404, methods that a path does not take 405 with `Allow`.",
  required: Object.keys(problemFields),
  properties: problemFields
}

/** A kind of problem: as the contract has it, and with what the server adds when it answers. Its `code` is open, as all words of answers are. */
export const problemSchema = (schema: Json): Json => {
  const { properties, required, ...rest } = schema
  if (!isJson(properties) || !isJson(properties["code"]) || properties["type"] === undefined) return schema
  const { enum: codes } = properties["code"]
  const own = Object.entries(properties).filter(([name]) => !(name in problemFields))
  const needed = (Array.isArray(required) ? required : []).filter((name) => !(String(name) in problemFields))
  return {
    ...rest,
    required: [...Object.keys(problemFields), ...needed],
    properties: {
      ...problemFields,
      code: { ...problemFields.code, "x-extensible-enum": codes },
      ...Object.fromEntries(own)
    }
  }
}
