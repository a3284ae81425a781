import { OpenApi } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"

const problem = (description: string, schema: string) => ({
  description,
  content: { "application/problem+json": { schema: { $ref: `#/components/schemas/${schema}` } } }
})

/** What the problem documents mean, by status: the same for every operation. */
const meaning: Readonly<Record<string, string>> = {
  400: "The request cannot be read; `issues` tells where and why.",
  401: "No credential, or one that is not known.",
  403: "Refused: a foreign Host or Origin, or more than the organization may have.",
  404: "Nothing of that kind and name in the organization.",
  409: "The name is taken, or the idempotency key was used for something else.",
  413: "The body is too large.",
  422: "The AppSpec can be read but not deployed; `issues` tells where and why.",
  500: "A mistake of the server's own. Its log has the cause under `requestId`.",
  503: "A part of the server is away for now: send the same request again after `Retry-After` seconds."
}

const successMeaning: Readonly<Record<string, string>> = {
  200: "Done.",
  201: "Created.",
  202: "Accepted: durable, and on its way.",
  204: "Done; there is nothing to tell."
}

const headers = {
  "x-request-id": { description: "Names the request in the server's log.", schema: { type: "string" } }
}

const methods = ["get", "post", "put", "delete", "patch", "head", "options", "trace"] as const

type Operation = NonNullable<OpenApi.OpenAPISpecPathItem["get"]>
interface Response {
  readonly description: string
  readonly content?: Readonly<Record<string, { readonly schema: unknown }>>
}

const completeResponse = (status: string, response: Response) => ({
  ...(status === "400" ? problem("", "InvalidRequest") : response),
  description: meaning[status] ?? successMeaning[status] ?? response.description,
  headers: {
    ...headers,
    ...(status === "503"
      ? { "retry-after": { description: "Seconds to wait.", schema: { type: "integer" } } }
      : undefined)
  }
})

const complete = (operation: Operation) => ({
  ...operation,
  ...(operation.operationId === "sources.put"
    ? {
        requestBody: {
          required: true,
          content: { "application/gzip": { schema: { type: "string", format: "binary" } } }
        }
      }
    : undefined),
  responses: Object.fromEntries(
    Object.entries({
      ...operation.responses,
      ...(operation.requestBody === undefined
        ? undefined
        : {
            413: problem("", "PayloadTooLarge"),
            415: {
              description: "The body is not of the content type that the operation takes.",
              content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } }
            }
          })
    }).map(([status, response]) => [status, completeResponse(status, response)])
  )
})

const completePath = (item: OpenApi.OpenAPISpecPathItem) =>
  Object.fromEntries(
    methods.flatMap((method) => {
      const operation = item[method]
      return operation === undefined ? [] : [[method, complete(operation)]]
    })
  )

/**
 * The API as an OpenAPI 3.1 document: what HttpApi makes of the contract, with its own error documents replaced by ours, and with
 * what it does not know of (raw bodies, refusals before an operation is found, headers).
 */
export const openApi = () => {
  const made = OpenApi.fromApi(MaxCloudApi)
  const { HttpApiDecodeError: _, Issue: __, PropertyKey: ___, ...schemas } = made.components.schemas
  return {
    ...made,
    info: { ...made.info, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
    servers: [{ url: "/" }],
    paths: Object.fromEntries(Object.entries(made.paths).map(([path, item]) => [path, completePath(item)])),
    components: {
      ...made.components,
      schemas: {
        ...schemas,
        Problem: {
          type: "object",
          description:
            "A problem document (RFC 9457): the form of every error. `_tag` tells errors apart; paths that do not exist answer 404, methods that a path does not take 405 with `Allow`.",
          required: ["type", "title", "status", "detail", "_tag"],
          properties: {
            type: { type: "string", format: "uri" },
            title: { type: "string" },
            status: { type: "integer" },
            detail: { type: "string" },
            _tag: { type: "string" }
          }
        }
      }
    }
  }
}
