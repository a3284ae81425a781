import { HttpApi } from "@effect/platform"
import { MaxCloudApi } from "@maxcloud/sdk/api"
import { Option, SchemaAST } from "effect"

/** The schemas nested directly in this one. */
const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  if (SchemaAST.isUnion(ast)) return ast.types
  if (SchemaAST.isRefinement(ast) || SchemaAST.isTransformation(ast)) return [ast.from]
  if (SchemaAST.isTupleType(ast)) return [...ast.elements, ...ast.rest].map(({ type }) => type)
  return SchemaAST.isTypeLiteral(ast) ? [...ast.propertySignatures, ...ast.indexSignatures].map(({ type }) => type) : []
}

/** The fields of an object that may be missing in the input and are always present once decoded. */
const filledIn = (ast: SchemaAST.AST): ReadonlyArray<string> => {
  if (!SchemaAST.isTransformation(ast)) return []
  const { from, to } = ast
  if (!SchemaAST.isTypeLiteral(from) || !SchemaAST.isTypeLiteral(to)) return []
  const given = new Set(to.propertySignatures.filter((each) => !each.isOptional).map((each) => each.name))
  return from.propertySignatures
    .filter((each) => each.isOptional && given.has(each.name))
    .map((each) => String(each.name))
}

/**
 * The answer fields, by schema name, that are optional for a client, which fills in a default, but always written by the server.
 */
export const alwaysWritten = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, ReadonlyArray<string>>()
  const seen = new Set<SchemaAST.AST>()
  const look = (ast: SchemaAST.AST): void => {
    if (seen.has(ast)) return
    seen.add(ast)
    const name = Option.getOrUndefined(SchemaAST.getJSONIdentifier(ast))
    if (name !== undefined && filledIn(ast).length > 0) found.set(name, filledIn(ast))
    for (const part of partsOf(ast)) look(part)
  }
  HttpApi.reflect(MaxCloudApi, {
    onGroup: () => {},
    onEndpoint: ({ errors, successes }) => {
      for (const { ast } of [...successes.values(), ...errors.values()]) Option.map(ast, look)
    }
  })
  return found
}
