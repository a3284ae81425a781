import { Schema } from "effect"

const open = { key: Schema.String, value: Schema.Unknown }

const Parameter = Schema.Struct({ name: Schema.String, in: Schema.String, schema: Schema.Unknown }, open)
const Operation = Schema.Struct(
  { operationId: Schema.String, parameters: Schema.Array(Parameter), security: Schema.Array(Schema.Unknown) },
  open
)
const Properties = Schema.Struct(
  { properties: Schema.optional(Schema.Record({ key: Schema.String, value: Schema.Unknown })) },
  open
)

/** As much of an OpenAPI document as is read here; the rest is kept. */
const Document = Schema.Struct(
  {
    paths: Schema.Record({ key: Schema.String, value: Schema.Record({ key: Schema.String, value: Operation }) }),
    components: Schema.Struct({ schemas: Schema.Record({ key: Schema.String, value: Properties }) }, open)
  },
  open
)
type Document = typeof Document.Type

export const parseDocument = Schema.decodeUnknownSync(Document)

const here = { type: "string", pattern: "^localhost:[1-9][0-9]$" }

/** What another schema stands for, so that the server asks nobody but this machine. */
const withProperty = ({ schemas }: Document["components"], name: string, property: string, schema: unknown) => {
  const { [name]: given } = schemas
  if (given?.properties?.[property] === undefined) throw new Error(`the document has no ${name}.${property}`)
  return { ...schemas, [name]: { ...given, properties: { ...given.properties, [property]: schema } } }
}

/**
 * The document as it is fuzzed with: the names of its paths have examples that are really there; images and registries are of this
 * machine alone; logs are not followed, which has no end.
 */
export const documentFor = (
  document: Document,
  valueOf: (operation: string, name: string) => string | undefined
): Document => {
  const parameter = (operation: string, given: typeof Parameter.Type): ReadonlyArray<typeof Parameter.Type> => {
    if (given.in === "query" && given.name === "follow") return []
    const example = given.in === "path" ? valueOf(operation, given.name) : undefined
    const schema =
      given.in === "path" && given.name === "host" ? { ...here, pattern: "^localhost(:[1-9][0-9])?$" } : given.schema
    return [{ ...given, schema, ...(example === undefined ? {} : { example }) }]
  }
  const image = { type: "string", pattern: "^localhost:[1-9][0-9]/[a-z]{1,9}:[a-z]{1,9}$" }
  const issuer = { type: "string", pattern: "^http://127\\.0\\.0\\.1:[1-9][0-9]$" }
  const withImages = { schemas: withProperty(document.components, "CreateService", "image", image) }
  return {
    ...document,
    paths: Object.fromEntries(
      Object.entries(document.paths).map(([path, item]) => [
        path,
        Object.fromEntries(
          Object.entries(item).map(([method, operation]) => [
            method,
            { ...operation, parameters: operation.parameters.flatMap((_) => parameter(operation.operationId, _)) }
          ])
        )
      ])
    ),
    components: { ...document.components, schemas: withProperty(withImages, "CreateOidcTrust", "issuer", issuer) }
  }
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
