import { SchemaAST as AST, Schema } from "effect"

/**
 * The documentation of a field, next to its Schema. `npm run generate` derives the reference, the JSON Schema, and the TypeScript types of a
 * config with their comments from it.
 */
interface Words {
  /** The default in words, if it isn't a plain value: "the image's own". */
  readonly default?: string
  /** Its TypeScript type in a config, if it isn't that of the Schema. */
  readonly type?: string
}

interface Doc extends Words {
  /** The default as a config would write it. */
  readonly written?: unknown
}

const docKey = Symbol.for("@maxcloud/config-schema/doc")
const typeKey = Symbol.for("@maxcloud/config-schema/type")
const unitKey = Symbol.for("@maxcloud/config-schema/unit")
const nounKey = Symbol.for("@maxcloud/config-schema/noun")

/** On a Schema: the TypeScript type of its values in a config. */
export const typedAs = (type: string) => ({ [typeKey]: type })
/** On a Schema: a sentence about the notation of its values, with their unit. */
export const writtenAs = (sentence: string) => ({ [unitKey]: sentence })
/** On a Schema: the name for its values in the reference. */
export const called = (noun: string) => ({ [nounKey]: noun })

const annotations = (description: string, doc: Doc) => ({ description, [docKey]: doc })

export const required = <A, I>(schema: Schema.Schema<A, I>, description: string, words: Words = {}) =>
  Schema.propertySignature(schema).annotations(annotations(description, words))

export const optional = <A, I>(schema: Schema.Schema<A, I>, description: string, words: Words = {}) =>
  Schema.optional(schema).annotations(annotations(description, words))

/** For `Schema.filter`: exactly one of two fields is there. `message` says so. */
export const oneOfTwo =
  <One extends string, Other extends string>(one: One, other: Other, message: string) =>
  (written: { readonly [Key in One | Other]?: unknown }): string | true =>
    (written[one] === undefined) === (written[other] === undefined) ? message : true

/** An optional field with the default `written`. */
export const withDefault = <A, I>(
  schema: Schema.Schema<A, I>,
  written: NoInfer<I>,
  description: string,
  words: Words = {}
) => {
  const value = Schema.decodeSync(schema)(written)
  return Schema.optionalWith(schema, { default: () => value }).annotations(
    annotations(description, { written, ...words })
  )
}

export interface Field {
  readonly name: string
  readonly isRequired: boolean
  /** The AST of the form in a config. */
  readonly ast: AST.AST
  readonly description: string
  readonly doc: Doc
}

const isDoc = (value: unknown): value is Doc => typeof value === "object" && value !== null
const textAt = (ast: AST.Annotated, key: symbol): string | undefined => {
  const text = ast.annotations[key]
  return typeof text === "string" ? text : undefined
}

/** Both sides of a struct: the written form and the decoded form. */
const sidesOf = (ast: AST.AST): readonly [AST.AST, AST.AST] => {
  if (AST.isRefinement(ast)) return sidesOf(ast.from)
  return AST.isTransformation(ast) ? [ast.from, ast.to] : [ast, ast]
}

/** The fields of a struct, in its order. */
export const fieldsOf = ({ ast }: { readonly ast: AST.AST }): ReadonlyArray<Field> => {
  const [from, to] = sidesOf(ast)
  if (!AST.isTypeLiteral(from) || !AST.isTypeLiteral(to)) return []
  const read = new Map(to.propertySignatures.map((propertySignature) => [propertySignature.name, propertySignature]))
  return from.propertySignatures.map((property) => {
    const documented = read.get(property.name) ?? property
    const doc = documented.annotations[docKey]
    return {
      name: String(property.name),
      isRequired: !property.isOptional,
      ast: property.type,
      description: textAt(documented, AST.DescriptionAnnotationId) ?? "",
      doc: isDoc(doc) ? doc : {}
    }
  })
}

/** The written form, without refinements. Removes `undefined` from a union, because configs don't contain it. */
const membersOf = (ast: AST.AST): ReadonlyArray<AST.AST> => {
  if (AST.isRefinement(ast) || AST.isTransformation(ast)) return membersOf(ast.from)
  if (AST.isUnion(ast)) return ast.types.flatMap(membersOf)
  return AST.isUndefinedKeyword(ast) ? [] : [ast]
}

/** Whether it can be arbitrarily long: a list or a map. */
export const isOpen = ({ ast }: Field): boolean =>
  membersOf(ast).some((each) => AST.isTupleType(each) || (AST.isTypeLiteral(each) && each.indexSignatures.length > 0))

/** The first result of `find` between a Schema and its written form. */
const along = (ast: AST.AST, key: symbol): string | undefined => {
  const own = textAt(ast, key)
  if (own !== undefined) return own
  if (AST.isRefinement(ast) || AST.isTransformation(ast)) return along(ast.from, key)
  if (!AST.isUnion(ast)) return undefined
  const [only, ...others] = ast.types.filter((value) => !AST.isUndefinedKeyword(value))
  return only === undefined || others.length > 0 ? undefined : along(only, key)
}

/** The name for a field's values in the reference, if its Schema has one. */
export const nounOf = ({ ast }: Field): string | undefined => along(ast, nounKey)

/** The notation of a field's values, with their unit, if its Schema has one. */
export const unitOf = ({ ast }: Field): string | undefined => along(ast, unitKey)

/** The TypeScript type of a Schema's values in a config. */
export const typeScriptOf = (ast: AST.AST): string => along(ast, typeKey) ?? spelled(ast)

/** The same, ignoring its name. */
export const spelled = (ast: AST.AST): string => {
  if (AST.isRefinement(ast) || AST.isTransformation(ast)) return spelled(ast.from)
  if (AST.isStringKeyword(ast)) return "string"
  if (AST.isNumberKeyword(ast)) return "number"
  if (AST.isBooleanKeyword(ast)) return "boolean"
  if (AST.isLiteral(ast)) return JSON.stringify(ast.literal)
  if (AST.isUnion(ast))
    return ast.types
      .filter((value) => !AST.isUndefinedKeyword(value))
      .map(typeScriptOf)
      .join(" | ")
  if (AST.isTupleType(ast)) {
    const item = `${typeScriptOf(ast.rest[0]?.type ?? AST.neverKeyword)} | LeftOut`
    const first = ast.elements.map((element) => typeScriptOf(element.type))
    return first.length === 0 ? `ReadonlyArray<${item}>` : `readonly [${[...first, `...Array<${item}>`].join(", ")}]`
  }
  const [map] = AST.isTypeLiteral(ast) ? ast.indexSignatures : []
  if (map !== undefined) return `Readonly<Record<${typeScriptOf(map.parameter)}, ${typeScriptOf(map.type)}>>`
  if (AST.isTypeLiteral(ast)) return `{ ${fieldsOf({ ast }).map(declarationOf).join("; ")} }`
  throw new Error(`${String(ast)} has no type in a config: annotate its Schema with typedAs`)
}

/** A field of an interface, without its documentation. */
export const declarationOf = ({ ast, doc, isRequired, name }: Field): string =>
  `readonly ${name}${isRequired ? "" : "?"}: ${doc.type ?? typeScriptOf(ast)}`

/** Its default for the reference: JSON, or words; empty if there is none. */
export const defaultOf = ({ doc, isRequired }: Field): string => {
  if (isRequired) return "required"
  if (doc.default !== undefined) return doc.default
  return typeof doc.written === "object" || doc.written === undefined ? "" : JSON.stringify(doc.written)
}
