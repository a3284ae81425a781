import { Option, SchemaAST } from "effect"

const isRedacted = (ast: SchemaAST.AST): boolean =>
  Option.exists(SchemaAST.getTypeConstructorAnnotation(ast), (found) => found._tag === "effect/Redacted")

/** The parts of a schema. */
const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  switch (ast._tag) {
    case "Declaration":
      return ast.typeParameters
    case "Refinement":
      return [ast.from]
    case "Suspend":
      return [ast.f()]
    case "Transformation":
      return [ast.from, ast.to]
    case "TupleType":
      return [...ast.elements, ...ast.rest].map((each) => each.type)
    case "TypeLiteral":
      return [
        ...ast.propertySignatures.map((propertySignature) => propertySignature.type),
        ...ast.indexSignatures.flatMap((indexSignature) => [indexSignature.parameter, indexSignature.type])
      ]
    case "Union":
      return ast.types
    default:
      return []
  }
}

/** Whether values of this schema contain a secret. The contract marks each one as `Schema.Redacted`. */
export const holdsSecret = (ast: SchemaAST.AST): boolean => {
  const seen = new Set<SchemaAST.AST>()
  const search = (one: SchemaAST.AST): boolean => {
    if (seen.has(one)) return false
    seen.add(one)
    return isRedacted(one) || partsOf(one).some(search)
  }
  return search(ast)
}
