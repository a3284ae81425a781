import { Option, ParseResult, Predicate, Schema, SchemaAST } from "effect"

declare const newer: unique symbol

/** A value from a newer server that this version doesn't know. */
export type Other = string & { readonly [newer]: "word" }
/** One of the known values, or one of a newer server: the `default` of a `switch`. */
export type Open<Known extends string> = Known | Other
/** An object of a type that this version doesn't know, unchanged. */
export type Unrecognized = object & { readonly [newer]: "object" }

/** Longer than any type or state. */
const longestWord = 200
const isWord = (value: unknown): value is Other => typeof value === "string" && value.length <= longestWord
const isUnrecognized = (value: unknown): value is Unrecognized => Predicate.isRecord(value)

/** Decodes every value that `isAllowed` accepts, but encodes only known ones. */
const reading = <A>(
  isAllowed: (value: unknown) => value is A,
  isKnown: (value: unknown) => boolean,
  annotations: Schema.Annotations.Schema<A>
): Schema.Schema<A> => {
  const only =
    <B>(holds: (value: unknown) => value is B) =>
    () =>
    (value: unknown, _: SchemaAST.ParseOptions, ast: SchemaAST.Declaration) =>
      holds(value) ? ParseResult.succeed(value) : ParseResult.fail(new ParseResult.Type(ast, value))
  const known = (value: unknown): value is A => isAllowed(value) && isKnown(value)
  return Schema.declare([], { decode: only(isAllowed), encode: only(known) }, annotations)
}

/**
 * An enum in a response. Clients accept any value, so that a newer server's state doesn't make them fail; the server only writes known ones.
 * `ServiceState` is closed, for requests and rows; responses use `openEnum(...ServiceState.literals)`.
 */
export const openEnum = <const Known extends string>(
  ...literals: readonly [Known, ...Array<Known>]
): Schema.Schema<Open<Known>> => {
  const known: ReadonlySet<unknown> = new Set(literals)
  return reading(
    (value): value is Open<Known> => isWord(value),
    (value) => known.has(value),
    {
      title: literals.join(" | "),
      jsonSchema: {
        type: "string",
        description: `One of ${literals.map((each) => `\`${each}\``).join(", ")}. Newer servers may have more.`,
        "x-extensible-enum": [...literals]
      },
      arbitrary: () => (fc) => fc.constantFrom(...literals)
    }
  )
}

type IsUnion<T> = [T] extends [UnionToIntersection<T>] ? false : true
type UnionToIntersection<U> = (U extends unknown ? (_: U) => void : never) extends (_: infer I) => void ? I : never
type Structs<T> = Exclude<Extract<T, object>, ReadonlyArray<unknown>>
type OpenedMember<T> = T extends string
  ? string extends T
    ? T
    : Open<T>
  : T extends ReadonlyArray<infer E>
    ? ReadonlyArray<Opened<E>>
    : T extends object
      ? { readonly [K in keyof T]: Opened<T[K]> }
      : T
/** `T` with its enums and object types open. */
export type Opened<T> = OpenedMember<T> | (IsUnion<Structs<T>> extends true ? Unrecognized : never)

const unrecognized = reading(isUnrecognized, () => false, {
  title: "an object of a newer server",
  jsonSchema: { type: "object", description: "Newer servers may have more kinds." },
  arbitrary: () => (fc) => fc.constantFrom()
}).ast

const openWords = (literals: readonly [string, ...Array<string>]) => openEnum(...literals).ast

const openedUnion = (ast: SchemaAST.Union): SchemaAST.AST => {
  const words = ast.types.flatMap((each) =>
    each._tag === "Literal" && typeof each.literal === "string" ? [each.literal] : []
  )
  const [first, ...rest] = words
  const isOfWhole = hasWhole(ast)
  const others = ast.types
    .filter((each) => each._tag !== "Literal" || typeof each.literal !== "string")
    .map((each) => (isOfWhole && each._tag === "NumberKeyword" ? Schema.Int.ast : openedAst(each)))
  const structs = others.filter((each) => each._tag === "TypeLiteral")
  return SchemaAST.Union.make(
    [
      ...(first === undefined ? [] : [openWords([first, ...rest])]),
      ...others,
      ...(structs.length > 1 ? [unrecognized] : [])
    ],
    openAnnotations(ast.annotations)
  )
}

/** The JSON Schema that a part of a config is written with. */
const writtenSchema = (ast: SchemaAST.AST) => Option.getOrElse(SchemaAST.getJSONSchemaAnnotation(ast), () => ({}))
const isWhole = (schema: object): boolean => "type" in schema && schema.type === "integer"
const hasWhole = (ast: SchemaAST.Union): boolean => {
  const schema = writtenSchema(ast)
  return "anyOf" in schema && Array.isArray(schema.anyOf) && schema.anyOf.some(isWhole)
}

/** A part's own annotations without its name and its closed JSON Schema. */
const openAnnotations = ({
  [SchemaAST.IdentifierAnnotationId]: _,
  [SchemaAST.JSONSchemaAnnotationId]: __,
  ...rest
}: SchemaAST.Annotations): SchemaAST.Annotations => rest

/** Bounds and patterns of a config hold for requests, and a newer server may have others. Only whole numbers stay what they are. */
const openedAst = (ast: SchemaAST.AST): SchemaAST.AST => {
  switch (ast._tag) {
    case "Literal":
      return typeof ast.literal === "string" ? openWords([ast.literal]) : ast
    case "Union":
      return openedUnion(ast)
    case "TypeLiteral":
      return new SchemaAST.TypeLiteral(
        ast.propertySignatures.map(
          (each) =>
            new SchemaAST.PropertySignature(
              each.name,
              openedAst(each.type),
              each.isOptional,
              each.isReadonly,
              each.annotations
            )
        ),
        ast.indexSignatures.map(
          (each) => new SchemaAST.IndexSignature(each.parameter, openedAst(each.type), each.isReadonly)
        ),
        openAnnotations(ast.annotations)
      )
    case "TupleType":
      return new SchemaAST.TupleType(
        ast.elements.map((each) => new SchemaAST.OptionalType(openedAst(each.type), each.isOptional, each.annotations)),
        ast.rest.map((each) => new SchemaAST.Type(openedAst(each.type), each.annotations)),
        ast.isReadonly,
        openAnnotations(ast.annotations)
      )
    case "Refinement":
      return isWhole(writtenSchema(ast)) ? Schema.Int.ast : openedAst(ast.from)
    case "Suspend":
      return new SchemaAST.Suspend(() => openedAst(ast.f()), openAnnotations(ast.annotations))
    default:
      return ast
  }
}

/** `openEnum` for every enum inside a schema that requests use too, such as a service in a config, without its bounds. */
export const openEnums = <I>(written: Schema.Schema<I>): Schema.Schema<Opened<I>> => Schema.make(openedAst(written.ast))
