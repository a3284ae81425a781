import { Schema } from "effect"

const open = { key: Schema.String, value: Schema.Unknown }

const Parameter = Schema.Struct({ name: Schema.String, in: Schema.String }, open)
const Operation = Schema.Struct(
  { operationId: Schema.String, parameters: Schema.Array(Parameter), security: Schema.Array(Schema.Unknown) },
  open
)

/** The parts of an OpenAPI document that this code reads. Other parts stay unchanged. */
const Document = Schema.Struct(
  { paths: Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Operation }) }) },
  open
)
type Document = typeof Document.Type

/** Is it the schema itself, not a reference to it? */
const isSchema = Schema.is(Schema.Struct({ properties: Schema.Unknown }, open))

export const parseDocument = Schema.decodeUnknownSync(Document)

const specs = [
  { apiVersion: "maxcloud.dev/v1", app: "canary-app", services: [{ name: "web", image: "web.example/app:1" }] },
  {
    apiVersion: "maxcloud.dev/v1",
    app: "canary-app",
    services: [{ name: "web", image: "web.example/app:1", port: 80 }]
  }
]

/**
 * The document for the fuzzer, as JSON. Path parameters get examples of existing objects, AppSpecs are a few fixed ones, and no request
 * asks for a stream, because streams may be endless. It also replaces parts that schemathesis can't read: character classes by Unicode
 * category, binary bodies, and events as text.
 */
export const documentFor = (
  { paths, ...rest }: Document,
  valueOf: (path: string, name: string) => string | undefined
): string => {
  const parameter = (path: string, given: typeof Parameter.Type): ReadonlyArray<typeof Parameter.Type> => {
    if (given.name === "follow" || given.name === "last-event-id") return []
    const example = given.in === "path" ? valueOf(path, given.name) : undefined
    return [example === undefined ? given : { ...given, example }]
  }
  const changed = Object.fromEntries(
    Object.entries(paths).map(([path, item]) => [
      path,
      Object.fromEntries(
        Object.entries(item).map(([method, operation]) => [
          method,
          { ...operation, parameters: operation.parameters.flatMap((value) => parameter(path, value)) }
        ])
      )
    ])
  )
  const readable = (key: string, value: unknown): unknown =>
    key === "text/event-stream" ? {} : key === "AppSpec" && isSchema(value) ? { enum: specs } : value
  return JSON.stringify({ ...rest, paths: changed }, readable)
    .replaceAll("\\\\p{Cc}", "\\\\x00-\\\\x1f\\\\x7f-\\\\x9f")
    .replaceAll(
      "\\\\p{Cf}",
      "\\\\xad\\\\u0600-\\\\u0605\\\\u061c\\\\u200b-\\\\u200f\\\\u202a-\\\\u202e\\\\u2060-\\\\u206f\\\\ufeff\\\\ufff9-\\\\ufffb"
    )
    .replaceAll("\\\\p{Zl}\\\\p{Zp}", "\\\\u2028\\\\u2029")
    .replaceAll("\\\\p{Cs}", "")
    .replaceAll("application/gzip", "application/octet-stream")
}

export const operationsOf = ({ paths }: Document) =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, { operationId, security }]) => ({
      operationId,
      method: method.toUpperCase(),
      isOpen: security.length === 0,
      matches: new RegExp(`^${path.replaceAll(".", "\\.").replace(/\{\w+\}/g, "[^/]+")}/?$`)
    }))
  )
