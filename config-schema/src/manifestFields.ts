import { SchemaAST as AST } from "effect"
import { fieldsOf } from "./field.ts"
import { type AppObject, type ManifestKind, type ManifestPatch, manifestKinds } from "./manifests.ts"

/** The path of a field in an object. List elements are named by their keys: `spec`, `volumes`, `cache`. */
export type FieldSteps = ReadonlyArray<string>

/** A set field, its position in the config, and its value. A named list element is one field. */
export interface FieldLeaf {
  readonly steps: FieldSteps
  readonly path: ReadonlyArray<string | number>
  readonly value: unknown
}

/** A field that the operator allows, including everything in it. */
export interface ManifestRule {
  readonly kind: ManifestKind
  readonly steps: FieldSteps
}

/** The operator's rules. `all` if there is no operator (`maxcloud synth`). */
export type ManifestRules = ReadonlyArray<ManifestRule> | "all"

/** The merge keys of lists in Kubernetes. All other lists are replaced. */
export const elementKeys: ReadonlyMap<string, string> = new Map([
  ["containers", "name"],
  ["volumes", "name"],
  ["volumeMounts", "mountPath"]
])

/** Lists with elements that are set as a whole. */
const whole: ReadonlySet<string> = new Set(["volumes", "volumeMounts"])

/** Maps with entries that other programs interpret, so the operator allows each key separately. */
const keyByKey: ReadonlySet<string> = new Set(["annotations", "labels", "nodeSelector", "limits", "requests"])

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const leavesIn = (
  value: unknown,
  steps: FieldSteps,
  path: ReadonlyArray<string | number>
): ReadonlyArray<FieldLeaf> => {
  const field = steps.at(-1) ?? ""
  const key = elementKeys.get(field)
  if (Array.isArray(value) && key !== undefined) {
    return value.flatMap((element: unknown, index): ReadonlyArray<FieldLeaf> => {
      if (!isObject(element)) return []
      const { [key]: name, ...rest } = element
      const [at, place] = [
        [...steps, String(name)],
        [...path, index]
      ]
      return whole.has(field) ? [{ steps: at, path: place, value: element }] : leavesIn(rest, at, place)
    })
  }
  if (!isObject(value)) return [{ steps, path, value }]
  return Object.entries(value).flatMap(([name, inner]) =>
    inner === undefined ? [] : leavesIn(inner, [...steps, name], [...path, name])
  )
}

/** The fields that a patch sets. */
export const leavesOfPatch = ({ fields }: ManifestPatch): ReadonlyArray<FieldLeaf> => leavesIn(fields, [], ["fields"])

/** The fields of an object besides its kind and name. */
export const leavesOfObject = ({ apiVersion: _, kind: __, metadata: { name: ___, ...metadata }, ...rest }: AppObject) =>
  leavesIn({ metadata, ...rest }, [], [])

/** Whether the operator allows the field. */
export const isAllowed = (rules: ManifestRules, kind: ManifestKind, steps: FieldSteps): boolean => {
  if (rules === "all") return true
  const map = steps.findIndex((step, index) => keyByKey.has(step) && index < steps.length - 1)
  return rules.some(
    (rule) =>
      rule.kind === kind &&
      rule.steps.every((step, index) => steps[index] === step) &&
      (map === -1 || rule.steps.length === steps.length)
  )
}

/** Whether the operator allows the kind at all. */
export const isAllowedKind = (rules: ManifestRules, kind: ManifestKind): boolean =>
  rules === "all" || rules.some((rule) => rule.kind === kind)

/** Fields are words. Keys of maps and names of elements are in brackets. */
const isWord = (step: string, before: string | undefined) =>
  /^[A-Za-z_]\w*$/.test(step) && !keyByKey.has(before ?? "") && !elementKeys.has(before ?? "")

/** `spec.template.metadata.annotations[autoscaling.knative.dev/window]` */
export const fieldText = (steps: FieldSteps): string =>
  steps.reduce(
    (text, step, index) =>
      isWord(step, steps[index - 1]) ? `${text}${text === "" ? "" : "."}${step}` : `${text}[${step}]`,
    ""
  )

/** A rule in the operator's notation: `Service:spec.template.spec.volumes`, or only a kind. */
export const ruleTextOf = ({ kind, steps }: ManifestRule): string =>
  steps.length === 0 ? kind : `${kind}:${fieldText(steps)}`

/** Parses a field's path; undefined if it is invalid. */
const stepsOf = (text: string): FieldSteps | undefined => {
  const steps: Array<string> = []
  let rest = text
  while (rest !== "") {
    const [found, word, key] = /^(?:\.?([A-Za-z_][\w-]*)|\[([^\][]+)\])/.exec(rest) ?? []
    const step = word ?? key
    if (found === undefined || step === undefined || (found.startsWith(".") && steps.length === 0)) return undefined
    steps.push(step)
    rest = rest.slice(found.length)
  }
  return steps.length === 0 ? undefined : steps
}

/** Without refinements and `undefined`. */
const bare = (ast: AST.AST): AST.AST => {
  if (AST.isRefinement(ast)) return bare(ast.from)
  if (!AST.isUnion(ast)) return ast
  const [only, ...others] = ast.types.filter((type) => !AST.isUndefinedKeyword(type))
  return only === undefined || others.length > 0 ? ast : bare(only)
}

/** The written form. */
const written = (ast: AST.AST): AST.AST => {
  const here = bare(ast)
  return AST.isTransformation(here) ? written(here.from) : here
}

/** Whether an object has such a field. Keys of maps and names of elements can be anything. */
const hasField = (ast: AST.AST, [step, ...rest]: FieldSteps, inside: string): boolean => {
  if (step === undefined) return !keyByKey.has(inside)
  const here = written(ast)
  if (AST.isTupleType(here)) {
    const [element] = here.rest
    if (element === undefined || !elementKeys.has(inside)) return false
    return whole.has(inside) ? rest.length === 0 : hasField(element.type, rest, "")
  }
  if (!AST.isTypeLiteral(here)) return false
  if (here.indexSignatures.length > 0) return rest.length === 0
  const field = fieldsOf({ ast: here }).find((each) => each.name === step)
  return field !== undefined && hasField(field.ast, rest, step)
}

const isKind = (name: string): name is ManifestKind => Object.hasOwn(manifestKinds, name)

/** Parses an operator's rule; undefined if no config could set such a field. */
export const parseRule = (text: string): ManifestRule | undefined => {
  const [kind = "", ...rest] = text.split(":")
  if (!isKind(kind)) return undefined
  if (rest.length === 0) return { kind, steps: [] }
  const steps = stepsOf(rest.join(":"))
  if (steps === undefined || steps[0] === "apiVersion" || steps[0] === "kind" || fieldText(steps) === "metadata.name") {
    return undefined
  }
  return hasField(manifestKinds[kind].ast, steps, "") ? { kind, steps } : undefined
}

/** Every field that an operator can allow, with its description. `[…]` means a key or a name. */
export const allowableFields = (
  kind: ManifestKind
): ReadonlyArray<{ readonly field: string; readonly text: string }> => {
  const visit = (ast: AST.AST, steps: FieldSteps, text: string): ReturnType<typeof allowableFields> => {
    const here = written(ast)
    const name = steps.at(-1) ?? ""
    if (AST.isTupleType(here) && here.rest[0] !== undefined && name === "containers") {
      return visit(here.rest[0].type, [...steps, "user-container"], text)
    }
    if (AST.isTypeLiteral(here) && here.indexSignatures.length === 0) {
      return fieldsOf({ ast: bare(ast) }).flatMap((field) =>
        field.name === "name" || field.name === "apiVersion" || field.name === "kind"
          ? []
          : visit(field.ast, [...steps, field.name], field.description)
      )
    }
    return [{ field: `${fieldText(steps)}${keyByKey.has(name) ? "[…]" : ""}`, text }]
  }
  return visit(manifestKinds[kind].ast, [], "")
}
