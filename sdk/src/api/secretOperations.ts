import { HttpApi } from "@effect/platform"
import { Option, SchemaAST } from "effect"
import { MaxCloudApi } from "./api.ts"

const isRedacted = (ast: SchemaAST.AST): boolean =>
  Option.exists(SchemaAST.getTypeConstructorAnnotation(ast), (_) => _._tag === "effect/Redacted")

/** The parts that a schema is made of. */
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
      return [...ast.elements, ...ast.rest].map((_) => _.type)
    case "TypeLiteral":
      return [
        ...ast.propertySignatures.map((_) => _.type),
        ...ast.indexSignatures.flatMap((_) => [_.parameter, _.type])
      ]
    case "Union":
      return ast.types
    default:
      return []
  }
}

/** Does a value of this schema hold a secret? The contract marks each one as `Schema.Redacted`. */
const holdsSecret = (ast: SchemaAST.AST): boolean => {
  const seen = new Set<SchemaAST.AST>()
  const search = (one: SchemaAST.AST): boolean => {
    if (seen.has(one)) return false
    seen.add(one)
    return isRedacted(one) || partsOf(one).some(search)
  }
  return search(ast)
}

interface Operation {
  readonly name: string
  readonly method: string
  /** As the contract writes it, with `:name` for a parameter. */
  readonly path: string
  /** A secret is in its request or its answer: passwords, values, codes, tokens, keys. */
  readonly isSecret: boolean
}

const all: Array<Operation> = []
HttpApi.reflect(MaxCloudApi, {
  onGroup: () => {},
  onEndpoint: ({ endpoint, errors, group, payloads, successes }) => {
    const answers = [...successes.values(), ...errors.values()].flatMap(({ ast }) => Option.toArray(ast))
    const parameters = [endpoint.pathSchema, endpoint.urlParamsSchema, endpoint.headersSchema].flatMap((schema) =>
      Option.toArray(Option.map(schema, (_) => _.ast))
    )
    const parts = [...[...payloads.values()].map((_) => _.ast), ...parameters, ...answers]
    all.push({
      name: `${group.identifier}.${endpoint.name}`,
      method: endpoint.method,
      path: endpoint.path,
      isSecret: parts.some(holdsSecret)
    })
  }
})

/** Every operation of the contract, and whether it carries a secret. */
export const operations: ReadonlyArray<Operation> = all

const matchers = all.map((operation) => ({
  ...operation,
  matches: new RegExp(`^${operation.path.replace(/[.]/g, "\\.").replace(/:\w+/g, "[^/]+")}/?$`)
}))

/** Does a request carry a secret, there or back? One that isn't of the contract might. `path`: from the API's own root on. */
export const carriesSecret = (method: string, path: string): boolean => {
  const found = matchers.filter((_) => _.method === method && _.matches.test(path))
  return found.length === 0 || found.some((_) => _.isSecret)
}
