import * as HttpApi from "@effect/platform/HttpApi"
import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Either, FastCheck, Option, Schema, type SchemaAST } from "effect"
import { DeploymentEvent, ExecOutput, LogEntry, MaxCloudApi, openEnum, openEnums } from "./index.ts"

/** The closed enum values of this schema, by path: a reader refuses any others. */
const closedWords = (
  ast: SchemaAST.AST,
  place: string,
  above: ReadonlySet<SchemaAST.AST> = new Set()
): Array<string> => {
  if (above.has(ast)) return []
  const inside = (part: SchemaAST.AST, name = "") => closedWords(part, `${place}${name}`, new Set([...above, ast]))
  switch (ast._tag) {
    case "Literal":
      return typeof ast.literal === "string" ? [`${place}: ${ast.literal}`] : []
    case "Union":
      return ast.types.flatMap((each) => inside(each))
    case "TypeLiteral":
      return [
        ...ast.propertySignatures.flatMap((each) => inside(each.type, `.${String(each.name)}`)),
        ...ast.indexSignatures.flatMap((each) => inside(each.type, ".*"))
      ]
    case "TupleType":
      return [...ast.elements, ...ast.rest].flatMap((each) => inside(each.type, "[]"))
    case "Suspend":
      return inside(ast.f())
    case "Refinement":
      return inside(ast.from)
    case "Transformation":
      return inside(ast.from)
    case "Declaration":
      return ast.typeParameters.flatMap((each) => inside(each))
    default:
      return []
  }
}

const answers: Array<readonly [string, SchemaAST.AST]> = [
  ["DeploymentEvent", DeploymentEvent.ast],
  ["LogEntry", LogEntry.ast]
]
HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, errors, successes }) => {
    for (const [status, { ast }] of [...successes, ...errors]) {
      if (Option.isSome(ast)) answers.push([`${endpoint.name} ${status}`, ast.value])
    }
  }
})

/** Problems are identified by these. An unknown one becomes an error of its own, by type and status. */
const ofProblems = /\.(_tag|code|type|title): /

describe("answers", () => {
  it("have no closed enums", () => {
    expect(answers.length).toBeGreaterThan(150)
    const closed = answers.flatMap(([place, ast]) => closedWords(ast, place)).filter((each) => !ofProblems.test(each))
    expect([...new Set(closed)]).toStrictEqual([
      "pollDevice 200.state: pending",
      "pollDevice 200.state: slowDown",
      "pollDevice 200.state: denied",
      "pollDevice 200.state: expired",
      "pollDevice 200.state: granted"
    ])
  })

  it("find closed enums at any depth", () => {
    const nested = Schema.Struct({ a: Schema.Array(Schema.NullOr(Schema.Struct({ state: Schema.Literal("x", "y") }))) })
    expect(closedWords(nested.ast, "here")).toStrictEqual(["here.a[].state: x", "here.a[].state: y"])
    // A separate protocol, negotiated by its name.
    expect(closedWords(ExecOutput.ast, "exec")).not.toHaveLength(0)
  })
})

describe("openEnum", () => {
  const state = openEnum("ready", "failed")

  it("reads any value, and writes only known ones", () =>
    FastCheck.assert(
      FastCheck.property(FastCheck.string({ maxLength: 200 }), (word) => {
        expect(Schema.decodeUnknownEither(state)(word)).toStrictEqual(Either.right(word))
        expect(Either.isRight(Schema.encodeUnknownEither(state)(word))).toBe(word === "ready" || word === "failed")
      })
    ))

  it("refuses invalid values", () => {
    for (const value of [1, null, undefined, {}, "x".repeat(201)]) {
      expect(Either.isLeft(Schema.decodeUnknownEither(state)(value))).toBe(true)
    }
  })

  it("generates only known values", () => {
    FastCheck.assert(FastCheck.property(Arbitrary.make(state), (word) => word === "ready" || word === "failed"))
  })
})

describe("openEnums", () => {
  const Env = Schema.Union(
    Schema.String,
    Schema.Struct({ secret: Schema.String }),
    Schema.Struct({ service: Schema.String, property: Schema.Literal("url", "host") })
  )
  const Written = Schema.Struct({
    protocol: Schema.optional(Schema.Literal("http1", "h2c")),
    egress: Schema.Union(Schema.Literal("internet", "none"), Schema.Array(Schema.String)),
    env: Schema.Record({ key: Schema.String, value: Env }),
    max: Schema.optional(Schema.Int.pipe(Schema.between(1, 10))),
    name: Schema.optional(Schema.String.pipe(Schema.pattern(/^[a-z]+$/)))
  })
  const read = Schema.decodeUnknownEither(openEnums(Written))
  const write = Schema.encodeUnknownEither(openEnums(Written))

  it("reads values and object types of a newer server, and writes none of them", () => {
    const newer = {
      protocol: "h3",
      egress: "vpc",
      env: { A: { output: "x" }, B: { service: "api", property: "port" } }
    }
    expect(read(newer)).toStrictEqual(Either.right(newer))
    for (const part of [{ protocol: "h3" }, { egress: "vpc" }, { env: { A: { output: "x" } } }]) {
      expect(Either.isLeft(write({ egress: "none", env: {}, ...part }))).toBe(true)
    }
  })

  it("reads values beyond the bounds of today, but only whole numbers for whole numbers", () => {
    const wider = { egress: "none", env: {}, max: 1000, name: "Web" }
    expect(read(wider)).toStrictEqual(Either.right(wider))
    expect(Either.isLeft(read({ ...wider, max: 0.5 }))).toBe(true)
  })

  it("still reads and writes known values", () => {
    const known = { protocol: "h2c", egress: ["10.0.0.0/8"], env: { A: "x", B: { secret: "S" } } }
    expect(read(known)).toStrictEqual(Either.right(known))
    expect(write(known)).toStrictEqual(Either.right(known))
    expect(Either.isLeft(read({ egress: 1, env: {} }))).toBe(true)
  })
})
