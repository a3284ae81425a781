import type { OperationName } from "@maxcloud/sdk/api"
import { isJson, type Json, referred, refTo } from "./json.ts"

/** The meaning of each status, for all operations. */
const meaning: Readonly<Record<string, string>> = {
  101: "The connection is a WebSocket from here on.",
  200: "Done.",
  201: "Created.",
  202: "Accepted: durable, and in progress.",
  204: "Done. The answer has no body.",
  400: "The request is invalid. `errors` says where and why.",
  401: "No credential, or an unknown one.",
  403: "Refused: a role or scope doesn't allow it, it exceeds a quota, or the Host or Origin is foreign.",
  404: "The organization has no resource of this kind and name.",
  408: "The request didn't arrive in time.",
  409: "The name is taken, or the state doesn't allow it. `code` is `request_in_progress` while the same request is running, and `answer_lost` if the server stopped before it could answer.",
  412: "The planned deployment has changed. Plan again.",
  413: "The body is too large.",
  422: "The AppSpec is readable but can't be deployed. `errors` says where and why. `code` is `idempotency_key_reused` if the key was used for another request.",
  415: "The body doesn't have the content type that the operation takes.",
  429: "The rate limit is exceeded. Continue after `Retry-After` seconds.",
  431: "The request's head is larger than 64 KiB.",
  500: "An internal error. The server's log has the cause under `requestId`.",
  503: "A part of the server is unreachable. Send the same request again after `Retry-After` seconds.",
  507: "The server's disk is almost full. Its operator must free some space."
}

const text = (description: string) => ({ description, schema: { type: "string" } })

/** All response headers, once. */
export const headers: Readonly<Record<string, Json>> = {
  "x-request-id": text("Identifies the request in the server's log and in problem documents."),
  "ratelimit-policy": text(
    "The limit that the request counted toward: `q` requests in `w` seconds. Absent if none applies."
  ),
  ratelimit: text("The rest of that limit: `r` requests are left, and all of them are available again in `t` seconds."),
  "next-link": text('`rel="next"`: the next page. Without it this is the last one (RFC 8288).'),
  "monitor-link": text("'`rel=\"monitor\"`: the deployment that stops its instances.'"),
  etag: text("The plan's `id` in quotes, for `If-Match` of a deployment. Absent if it has no id."),
  location: text("The path of the created resource, or of the accepted deployment."),
  "www-authenticate": text("`Bearer`, with `error` if a credential was sent (RFC 6750)."),
  "retry-after": { description: "How many seconds to wait.", schema: { type: "integer" } }
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

/** An operation's answer, or a reference to one that several operations share. */
export interface Response {
  readonly description: string
  readonly headers?: Json
  readonly content?: Readonly<Record<string, { readonly schema: unknown; readonly examples?: Json }>>
}
export type ResponseOrRef = Response | { readonly $ref: string }

/** The headers of an answer that link to other resources (RFC 8288). */
const linkOf = (name: OperationName | undefined, hasCursor: boolean) => {
  if (name === "services.delete") return "monitor-link"
  return hasCursor ? "next-link" : undefined
}

/** An operation's successful answer. */
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

/** The names of the problems a schema allows. */
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
    description: "The path of this server's page about the problem."
  },
  title: { type: "string" },
  status: { type: "integer" },
  detail: { type: "string", description: "What happened, where, and how to fix it. For people: don't parse it." },
  code: { type: "string", description: "Identifies the kind of problem. Newer servers may have more." },
  instance: { type: "string", format: "uri-reference", description: "The path of the request." },
  requestId: { type: "string", description: "The value of the header `X-Request-Id`, also found in the server's log." }
}

/** A problem document of any kind. */
export const anyProblem = {
  type: "object",
  description:
    "A problem document (RFC 9457): the form of every error. `code` identifies the kind. Unknown paths answer 404, and unsupported methods 405 with `Allow`.",
  required: Object.keys(problemFields),
  properties: problemFields
}

/**
 * One kind of problem: the contract's schema plus the fields that the server adds. Its `code` is open, like every enum in
 * answers.
 */
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
