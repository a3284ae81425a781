import * as HttpApi from "@effect/platform/HttpApi"
import { describe, expect, it } from "@effect/vitest"
import { Either, Option, Schema, SchemaAST } from "effect"
import { MaxCloudApi } from "./api.ts"
import { listOf } from "./lists.ts"

/** Whether each item of this list has a cursor. Then the list has a fixed order. */
const isFeed = (ast: SchemaAST.TupleType) =>
  ast.rest.some(({ type }) => SchemaAST.getPropertySignatures(type).some(({ name }) => name === "cursor"))

/** Every list of the contract, with the names of its query parameters, and the responses that wrap a list in an object. */
const found = () => {
  const lists = new Map<
    string,
    { readonly parameters: ReadonlyArray<string>; readonly needed: ReadonlyArray<string> }
  >()
  const wrapped: Array<string> = []
  HttpApi.reflect(MaxCloudApi, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, group, successes }) => {
      if (endpoint.method !== "GET") return
      const name = `${group.identifier}.${endpoint.name}`
      const asts = [...successes.values()].flatMap(({ ast }) => Option.toArray(ast))
      for (const ast of asts.map(SchemaAST.typeAST)) {
        const parameters = Option.map(endpoint.urlParamsSchema, (schema) =>
          SchemaAST.getPropertySignatures(SchemaAST.encodedAST(schema.ast)).map((each) => String(each.name))
        )
        if (ast._tag === "TupleType")
          lists.set(name, {
            parameters: Option.getOrElse(parameters, () => []),
            needed: isFeed(ast) ? ["limit", "cursor"] : ["limit", "cursor", "sort"]
          })
        const [only, ...more] = ast._tag === "TypeLiteral" ? ast.propertySignatures : []
        if (only?.type._tag === "TupleType" && more.length === 0) wrapped.push(name)
      }
    }
  })
  return { lists, wrapped }
}

describe("the lists of the API", () => {
  it("are arrays with a limit, a cursor and, unless their items have cursors, a sort", () => {
    const { lists, wrapped } = found()
    // A JWK set (RFC 7517) is an object.
    expect(wrapped).toStrictEqual(["registryKeys.get"])
    expect(lists.size).toBeGreaterThanOrEqual(17)
    for (const [name, { needed, parameters }] of lists)
      expect([...parameters], name).toEqual(expect.arrayContaining([...needed]))
    const feeds = [...lists].filter(([, { needed }]) => !needed.includes("sort")).map(([name]) => name)
    expect(feeds).toStrictEqual(["services.logs"])
  })

  it("refuse an invalid limit or sort, and name the valid ones", () => {
    const list = listOf(Schema.String, { name: "texts", sorts: ["-createdAt", "name"], filters: {}, most: 20 })
    const parse = (query: object) =>
      Either.mapLeft(Schema.decodeUnknownEither(list.parameters)(query), (error) => error.message)
    expect(list.pagingOf({})).toStrictEqual({ limit: 20, sort: "-createdAt", cursor: undefined })
    for (const sort of ["createdAt", "-createdAt", "name", "-name"])
      expect(Either.isRight(parse({ sort })), sort).toBe(true)
    for (const limit of ["0", "21", "1.5", "-1", "many", ""]) expect(Either.isLeft(parse({ limit })), limit).toBe(true)
    expect(Either.getOrThrow(Either.flip(parse({ sort: "size" })))).toContain("-createdAt, createdAt, name, -name")
  })
})
