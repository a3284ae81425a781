import { HttpApi } from "@effect/platform"
import { describe, expect, it } from "@effect/vitest"
import { MaxCloudApi, operations } from "@maxcloud/sdk/api"
import { Option, SchemaAST } from "effect"
import { mistakesIn } from "./requestErrors.ts"

const secret = "hunter2-hunter2-hunter2"
const wrong: ReadonlyArray<unknown> = [
  null,
  7,
  -1.5,
  true,
  "",
  "\n",
  "__proto__",
  secret,
  [],
  [7],
  { a: 1 },
  "x".repeat(70_000)
]

/** The names of the encoded fields, through unions and refinements. */
const fieldsOf = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  const encoded = SchemaAST.encodedAST(ast)
  if (SchemaAST.isUnion(encoded)) return encoded.types.flatMap(fieldsOf)
  return SchemaAST.isTypeLiteral(encoded) ? encoded.propertySignatures.map(({ name }) => String(name)) : []
}

const parts: Array<{
  readonly name: string
  readonly part: "path" | "query" | "header" | "body"
  readonly fields: ReadonlyArray<string>
}> = []
HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, group }) => {
    const name = `${group.identifier}.${endpoint.name}`
    const add = (part: (typeof parts)[number]["part"], ast: Option.Option<{ readonly ast: SchemaAST.AST }>) =>
      Option.map(ast, (found) => parts.push({ name, part, fields: fieldsOf(found.ast) }))
    add("path", endpoint.pathSchema)
    add("query", endpoint.urlParamsSchema)
    add("header", endpoint.headersSchema)
    add("body", endpoint.payloadSchema)
  }
})

/** Words from the library, its types and JavaScript. */
const library =
  /is unexpected|Unable to decode|, actual |readonly|Expected an? (string|boolean|number\b.*that)|\bfilter\b|Transformation|Refinement|Encoded|undefined|\[object|NaN|Schema|minLength|maxLength|Brand|(?<! or )\bnull,|something else|of the form \^/

describe("ten wrong values for each field of each operation", () => {
  const messages = parts.flatMap(({ fields, name, part }) => {
    const operation = operations.find((each) => each.name === name)
    if (operation === undefined) return []
    const values = part === "body" ? [...wrong, secret, [secret]] : []
    return [
      ...values.map((value) => ({ where: `${name} ${part}`, found: mistakesIn(operation.name, part, value) })),
      ...fields.flatMap((field) =>
        wrong
          .filter((value) => part === "body" || typeof value === "string")
          .map((value) => ({
            where: `${name} ${part} ${field}`,
            found: mistakesIn(operation.name, part, { [field]: value })
          }))
      )
    ].flatMap(({ found, where }) =>
      found.map(({ detail }) => ({ where, detail, isSecret: operation.isSecret && part === "body" }))
    )
  })

  it("are explained in plain words: the mistake and its fix", () => {
    expect(messages.length).toBeGreaterThan(1_000)
    const bad = new Set(
      messages.flatMap(({ detail, where }) =>
        library.test(detail) || !/^[A-Z"`]/.test(detail) || !/[.?]$/.test(detail) || detail.length > 400
          ? [`${where}: ${detail.slice(0, 200)}`]
          : []
      )
    )
    expect([...bad]).toStrictEqual([])
  })
})
