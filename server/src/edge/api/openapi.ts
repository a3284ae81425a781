import { OpenApi } from "@effect/platform"
import { type EndpointRow, MaxCloudApi, rowOf } from "@maxcloud/sdk/api"
import { routeOf } from "../http/routeTable.ts"

const problem = (schema: string) => ({
  "application/problem+json": { schema: { $ref: `#/components/schemas/${schema}` } }
})

/** The meaning of each status, for every operation. */
const meaning: Readonly<Record<string, string>> = {
  200: "Done.",
  201: "Created.",
  202: "Accepted: durable, and on its way.",
  204: "Done; there is nothing to tell.",
  400: "The request cannot be read; `errors` tells where and why.",
  401: "No credential, or one that is not known.",
  403: "Refused: a role or a scope that does not allow it, more than the organization may have, or a foreign Host or Origin.",
  404: "Nothing of that kind and name in the organization.",
  408: "The request did not arrive in time.",
  409: "Something else has the name, the state doesn't allow it, or the idempotency key was used for something else.",
  413: "The body is too large.",
  422: "The AppSpec can be read but not deployed; `errors` tells where and why.",
  415: "The body is not of the content type that the operation takes.",
  429: "More requests than the rate limit allows: go on after `Retry-After` seconds.",
  431: "The head of the request is larger than 64 KiB.",
  500: "A mistake of the server's own. Its log has the cause under `requestId`.",
  503: "A part of the server is unreachable: send the same request again after `Retry-After` seconds.",
  507: "The server's disk has too little room. Whoever runs the server has to make some."
}

const methods = ["get", "post", "put", "delete", "patch", "head", "options", "trace"] as const

type Operation = NonNullable<OpenApi.OpenAPISpecPathItem["get"]>
interface Response {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: unknown }>>
}

const problemOf = (status: string, response: Response) => {
  if (status === "400") return problem("InvalidRequest")
  const [schema] = Object.values(response.content ?? {}).map((each) => each.schema)
  return { "application/problem+json": { schema } }
}

const text = (description: string) => ({ description, schema: { type: "string" } })

/** The headers that lead on from an answer (RFC 8288). */
const linkOf = (operation: Operation): string | undefined => {
  if (operation.operationId === "services.delete") return '`rel="monitor"`: the deployment that ends its instances.'
  return operation.parameters?.some((each) => each.name === "cursor") === true
    ? '`rel="next"`: the next page. Without it this is the last one.'
    : undefined
}

const headersOf = (status: string, link: string | undefined) => ({
  "x-request-id": text("Names the request in the server's log, and in a problem document."),
  "ratelimit-policy": text(
    "The limit that the request counted for: `q` requests in `w` seconds. Absent if none applies."
  ),
  ratelimit: text("Of that limit `r` requests are left, and all of them again in `t` seconds."),
  ...(link === undefined || !status.startsWith("2") ? undefined : { link: text(link) }),
  ...(status === "201" || status === "202"
    ? { location: text("The path of what was created, or of the deployment that was accepted.") }
    : undefined),
  ...(status === "401"
    ? { "www-authenticate": text("`Bearer`, with `error` if a credential was sent (RFC 6750).") }
    : undefined),
  ...(status === "429" || status === "503"
    ? { "retry-after": { description: "Seconds to wait.", schema: { type: "integer" } } }
    : undefined)
})

const completeResponse = (status: string, response: Response, link: string | undefined) => ({
  ...response,
  ...(Number(status) < 400 ? undefined : { content: problemOf(status, response) }),
  description: meaning[status] ?? response.description,
  headers: headersOf(status, link)
})

const rowAt = (path: string, method: string) => {
  const operation = routeOf(path)?.operations.get(method.toUpperCase())
  return operation === undefined ? undefined : rowOf(operation)
}

const complete = (path: string, method: string, operation: Operation) =>
  completeBy(rowAt(path, method), path, operation)

const completeBy = (row: EndpointRow | undefined, path: string, operation: Operation) => ({
  ...operation,
  security: row?.roles === "open" ? [] : [{ bearer: [] }],
  ...(row?.content === undefined
    ? undefined
    : {
        requestBody: { required: true, content: { [row.content]: { schema: { type: "string", format: "binary" } } } }
      }),
  responses: Object.fromEntries(
    Object.entries({
      // A name that no path can hold is not found before the operation is.
      ...(path.includes("{") ? { 404: { description: "", content: problem("NotFound") } } : undefined),
      ...operation.responses,
      ...(operation.requestBody === undefined
        ? undefined
        : {
            413: { description: "", content: problem("PayloadTooLarge") },
            415: { description: "", content: problem("Problem") }
          })
    }).map(([status, response]) => [status, completeResponse(status, response, linkOf(operation))])
  )
})

const completePath = (path: string, item: OpenApi.OpenAPISpecPathItem) =>
  Object.fromEntries(
    methods.flatMap((method) => {
      const operation = item[method]
      return operation === undefined ? [] : [[method, complete(path, method, operation)]]
    })
  )

/**
 * The API as an OpenAPI 3.1 document: what HttpApi makes of the contract, with its own error documents replaced by ours, and with
 * what it does not know of (credentials, raw bodies, refusals before an operation is found, headers).
 */
export const openApi = () => {
  const made = OpenApi.fromApi(MaxCloudApi)
  const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...schemas } = made.components.schemas
  return {
    ...made,
    info: { ...made.info, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(Object.entries(made.paths).map(([path, item]) => [path, completePath(path, item)])),
    components: {
      ...made.components,
      securitySchemes: {
        bearer: {
          type: "http",
          scheme: "bearer",
          description:
            "A session (`mcs_…`), an API key (`mck_…`) or, for audience `maxcloud/<organization>`, a token of an OIDC issuer that the organization trusts. A server with `MAXCLOUD_AUTH=local` takes requests without one too, as the owner of its only organization."
        }
      },
      schemas: {
        ...schemas,
        Problem: {
          type: "object",
          description:
            "A problem document (RFC 9457): the form of every error. `code` tells errors apart; paths that do not exist answer 404, methods that a path does not take 405 with `Allow`.",
          required: ["type", "title", "status", "detail", "code", "instance", "requestId"],
          properties: {
            type: {
              type: "string",
              format: "uri-reference",
              description: "The path of the page of this server that explains the problem."
            },
            title: { type: "string" },
            status: { type: "integer" },
            detail: { type: "string" },
            code: { type: "string" },
            instance: { type: "string", format: "uri-reference", description: "The path of the request." },
            requestId: { type: "string", description: "As in the header `X-Request-Id`, and in the server's log." }
          }
        }
      }
    }
  }
}
