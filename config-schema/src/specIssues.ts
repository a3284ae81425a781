import { SchemaAST as AST, Either, Option, ParseResult, Predicate, Schema } from "effect"
import { quoted } from "./bounds.ts"
import { nearest } from "./nearest.ts"
import { ruleText } from "./ruleText.ts"

/** The kinds of mistakes, for programs. */
export type IssueCode = "missing" | "unknown_field" | "wrong_type" | "invalid_value" | "conflict"

/** One problem: its path (`["services", 0, "port"]`), and a sentence with its fix. */
export const SpecIssue = Schema.Struct({
  path: Schema.Array(Schema.Union(Schema.String, Schema.Number)),
  message: Schema.String,
  /** An `IssueCode`, or one of a newer server. @default `invalid_value` */
  code: Schema.optional(Schema.String)
}).annotations({ identifier: "SpecIssue" })
export type SpecIssue = typeof SpecIssue.Type

/** The maximum number of reported problems for one app: more don't help anybody, and each costs time. */
export const maxSpecIssues = 100

type Path = SpecIssue["path"]

/** A mistake before post-processing: a missing key may be there under a misspelled name. */
interface Found extends SpecIssue {
  readonly isMissing?: boolean
  readonly meant?: string
}

/** The values that messages must not quote: those of schemas with a secret, and everything in them. */
interface Hidden {
  readonly holdsSecret: (ast: AST.AST) => boolean
  readonly inside: boolean
}

const listOf = (issues: ParseResult.SingleOrNonEmpty<ParseResult.ParseIssue>): ReadonlyArray<ParseResult.ParseIssue> =>
  "_tag" in issues ? [issues] : issues

/** The value in a config's notation, shortened. */
const show = (value: unknown): string => {
  if (value === undefined) return "nothing"
  const short = typeof value === "string" ? value.slice(0, 60) : value
  const text = typeof short === "object" || typeof short === "string" ? JSON.stringify(short) : String(short)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** The written form: the encoded side, without refinements. */
const written = (ast: AST.AST): AST.AST => {
  if (AST.isRefinement(ast)) return written(ast.from)
  if (AST.isTransformation(ast)) return written(ast.from)
  if (AST.isSuspend(ast)) return written(ast.f())
  return ast
}

const membersOf = (ast: AST.AST): ReadonlyArray<AST.AST> => {
  const inside = written(ast)
  return AST.isUnion(inside) ? inside.types.flatMap(membersOf) : [inside]
}

const kindOf = (ast: AST.AST): string => {
  const inside = written(ast)
  if (AST.isStringKeyword(inside)) return "a text"
  if (AST.isNumberKeyword(inside)) return "a number"
  if (AST.isBooleanKeyword(inside)) return "true or false"
  if (AST.isTupleType(inside)) return "a list"
  if (AST.isTypeLiteral(inside)) return "an object"
  if (AST.isLiteral(inside)) return JSON.stringify(inside.literal)
  return "something else"
}

/** The expected value, in words: `a text`, `"public" or "internal"`. */
const describe = (ast: AST.AST): string => {
  const kinds = [
    ...new Set(
      membersOf(ast)
        .filter((value) => !AST.isUndefinedKeyword(value))
        .map(kindOf)
    )
  ]
  const last = kinds.pop() ?? "nothing"
  return kinds.length === 0 ? last : `${kinds.join(", ")} or ${last}`
}

const accepts = (ast: AST.AST, value: unknown): boolean =>
  membersOf(ast).some((each) => {
    if (AST.isStringKeyword(each)) return typeof value === "string"
    if (AST.isNumberKeyword(each)) return typeof value === "number"
    if (AST.isBooleanKeyword(each)) return typeof value === "boolean"
    if (AST.isTupleType(each)) return Array.isArray(value)
    if (AST.isTypeLiteral(each)) return Predicate.isReadonlyRecord(value)
    return false
  })

const keysOf = (ast: AST.AST): ReadonlyArray<string> =>
  membersOf(ast).flatMap((each) =>
    AST.isTypeLiteral(each) ? each.propertySignatures.map(({ name }) => String(name)) : []
  )

const isHidden = ({ holdsSecret, inside }: Hidden, ast: AST.AST) => inside || holdsSecret(ast)

/** The same issue for an empty text; undefined if there is none. */
const withoutValue = (issue: ParseResult.ParseIssue): ParseResult.ParseIssue | undefined => {
  if (issue._tag === "Refinement") return new ParseResult.Refinement(issue.ast, "", issue.kind, issue.issue)
  return issue._tag === "Type" ? new ParseResult.Type(issue.ast, "") : undefined
}

/** The schema's own message for the problem, if it has one. */
const ownMessage = (issue: ParseResult.ParseIssue, hidden: Hidden): string | undefined => {
  if (issue._tag === "Pointer" || issue._tag === "Unexpected" || issue._tag === "Missing") return undefined
  const shown = isHidden(hidden, issue.ast) ? withoutValue(issue) : issue
  if (shown === undefined) return undefined
  const message = Option.getOrUndefined(AST.getMessageAnnotation(issue.ast))?.(shown)
  return typeof message === "string" && message !== "" ? message : undefined
}

const unexpected = (ast: AST.AST, actual: unknown, path: Path, hidden: Hidden): ReadonlyArray<Found> =>
  actual === undefined
    ? [{ path, message: `This field is missing. Add it: ${describe(ast)}.`, code: "missing", isMissing: true }]
    : [{ path, message: `Expected ${describe(ast)}${got(ast, actual, hidden)}.`, code: "wrong_type" }]

const got = (ast: AST.AST, actual: unknown, hidden: Hidden) => (isHidden(hidden, ast) ? "" : `, got ${show(actual)}`)

/** An unknown key: reported with the rule for keys if there is one, else with the nearest known key. */
const unknownKey = (path: Path, parent: AST.AST | undefined, hidden: Hidden): Found => {
  const key = path.at(-1) ?? ""
  const inside = parent === undefined ? undefined : written(parent)
  if (inside !== undefined && AST.isTypeLiteral(inside) && inside.indexSignatures[0] !== undefined) {
    const rule = Schema.make<string, string>(inside.indexSignatures[0].parameter)
    const parsed = Schema.decodeUnknownEither(rule)(key)
    const [first] = Either.isLeft(parsed) ? collect(parsed.left.issue, path, undefined, hidden) : []
    if (first !== undefined) return { path, message: first.message }
  }
  const known = inside === undefined ? [] : keysOf(inside)
  const meant = nearest(String(key), known)
  if (meant !== undefined)
    return {
      path,
      message: `Unknown key ${quoted(String(key))}. Did you mean "${meant}"?`,
      code: "unknown_field",
      meant
    }
  const fix = known.length === 0 ? "Remove it." : `Use one of ${known.join(", ")}.`
  return { path, message: `Unknown key ${quoted(String(key))}. ${fix}`, code: "unknown_field" }
}

/** From the issues of a union's members, selects those of the intended member. */
const ofMeantMember = (issue: ParseResult.Composite, path: Path, hidden: Hidden): ReadonlyArray<Found> => {
  const { actual } = issue
  const members = listOf(issue.issues)
    .flatMap((each) => (each._tag !== "Missing" && "ast" in each ? [{ child: each, ast: each.ast }] : []))
    .filter(({ ast }) => !AST.isUndefinedKeyword(ast))
  const [only, ...others] = members
  if (only !== undefined && others.length === 0) return collect(only.child, path, undefined, hidden)
  const candidates = members.filter(({ ast }) => accepts(ast, actual))
  const overlap = (ast: AST.AST) =>
    Predicate.isReadonlyRecord(actual) ? keysOf(ast).filter((value) => value in actual).length : 0
  const [best] = candidates.toSorted((a, b) => overlap(b.ast) - overlap(a.ast))
  const isClear = candidates.length === 1 || (best !== undefined && overlap(best.ast) > 0)
  if (best !== undefined && isClear) return collect(best.child, path, undefined, hidden)
  if (Predicate.isReadonlyRecord(actual)) {
    const shapes = membersOf(issue.ast)
      .map((value) => keysOf(value).join(", "))
      .filter((value) => value !== "")
    return [
      {
        path,
        message: `Expected ${describe(issue.ast)} with the keys ${shapes.join("; or ")}${got(issue.ast, actual, hidden)}.`,
        code: "wrong_type"
      }
    ]
  }
  return unexpected(issue.ast, actual, path, hidden)
}

/** A value of the right type that breaks a rule without its own message. */
const brokenRule = (issue: ParseResult.Refinement, path: Path, hidden: Hidden): ReadonlyArray<Found> | undefined => {
  // A filter with paths inside the value, or with its own sentence, is more specific than the rule.
  if (issue.kind === "From" || issue.issue._tag !== "Type" || issue.issue.message !== undefined) return undefined
  const rule = ruleText(issue.ast)
  if (rule === undefined) return undefined
  return [{ path, message: `Expected ${rule}${got(issue.ast, issue.actual, hidden)}.`, code: "invalid_value" }]
}

const collect = (
  issue: ParseResult.ParseIssue,
  path: Path,
  parent: AST.AST | undefined,
  hidden: Hidden
): ReadonlyArray<Found> => {
  const own = ownMessage(issue, hidden)
  if (own !== undefined) return [{ path, message: own }]
  switch (issue._tag) {
    case "Pointer": {
      const keys: ReadonlyArray<PropertyKey> = typeof issue.path === "object" ? issue.path : [issue.path]
      return collect(
        issue.issue,
        [...path, ...keys.map((key) => (typeof key === "number" ? key : String(key)))],
        parent,
        hidden
      )
    }
    case "Unexpected":
      return [unknownKey(path, parent, hidden)]
    case "Missing":
      return unexpected(issue.ast.type, undefined, path, hidden)
    case "Composite": {
      if (AST.isUnion(issue.ast)) return ofMeantMember(issue, path, hidden)
      return listOf(issue.issues)
        .slice(0, maxSpecIssues)
        .flatMap((value) => collect(value, path, issue.ast, hidden))
    }
    case "Refinement":
      return brokenRule(issue, path, hidden) ?? collect(issue.issue, path, undefined, hidden)
    case "Transformation":
      return collect(issue.issue, path, undefined, { ...hidden, inside: isHidden(hidden, issue.ast) })
    case "Type":
      return issue.message === undefined || isHidden(hidden, issue.ast)
        ? unexpected(issue.ast, issue.actual, path, hidden)
        : [{ path, message: issue.message }]
    case "Forbidden":
      return [{ path, message: (hidden.inside ? undefined : issue.message) ?? "This value can't be read." }]
  }
}

/**
 * One message for each mistake of a parse, in the order of the schema, up to `maxSpecIssues`. Messages don't contain values of schemas with a
 * secret.
 */
export const specIssuesOf = (
  error: ParseResult.ParseError,
  holdsSecret: (ast: AST.AST) => boolean = () => false
): ReadonlyArray<SpecIssue> => {
  const found = collect(error.issue, [], undefined, { holdsSecret, inside: false })
  const misspelt = new Set(
    found.flatMap((issue) =>
      issue.meant === undefined ? [] : [JSON.stringify([...issue.path.slice(0, -1), issue.meant])]
    )
  )
  const told = found.filter((issue) => issue.isMissing !== true || !misspelt.has(JSON.stringify(issue.path)))
  const distinct = new Map(
    told.map(({ code, message, path }) => [
      JSON.stringify([path, message]),
      { path, message, ...(code === undefined ? {} : { code }) }
    ])
  )
  return [...distinct.values()].slice(0, maxSpecIssues)
}
