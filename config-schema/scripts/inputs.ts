import { SchemaAST as AST, Option } from "effect"
import { declarationOf, defaultOf, type Field, fieldsOf, spelled, unitOf } from "../src/field.ts"
import { ConfigMap, manifestKinds, PodDisruptionBudget, patchable } from "../src/manifests.ts"
import { Probe, Probes } from "../src/probes.ts"
import { Scale } from "../src/scale.ts"
import { Build, ServiceSpec } from "../src/service.ts"

/** The kinds of services: each has a required field and optional ones. It can't have the other fields of the table. */
const programs = [
  { name: "ImageInput", given: "image", also: [] },
  { name: "SourceInput", given: "source", also: ["build"] }
] satisfies ReadonlyArray<{ readonly name: string; readonly given: string; readonly also: ReadonlyArray<string> }>
const ofProgram: ReadonlySet<string> = new Set(programs.flatMap(({ also, given }) => [given, ...also]))

const comment = (field: Field): string => {
  const fallback = field.isRequired ? "" : defaultOf(field)
  const unit = unitOf(field)
  return `/** ${field.description}${unit === undefined ? "" : ` ${unit}`}${fallback === "" ? "" : ` @default ${fallback}`} */`
}

const bodyOf = (fields: ReadonlyArray<Field>, indent: string): string =>
  fields.map((_) => `${indent}${comment(_)}\n${indent}${declarationOf(_)}\n`).join("")

const interfaceOf = (name: string, fields: ReadonlyArray<Field>): string =>
  `export interface ${name} {\n${bodyOf(fields, "  ")}}\n`

/** Adds the documentation of the type. */
const documented = ({ ast }: { readonly ast: AST.AST }, declaration: string): string => {
  const text = Option.getOrUndefined(AST.getDocumentationAnnotation(ast))
  return `${text === undefined ? "" : `/** ${text} */\n`}${declaration}`
}

const members = AST.isUnion(Build.ast) ? Build.ast.types : []

/** A union with its objects written out, including the documentation of their fields. */
const build = members
  .map((ast) => {
    const fields = fieldsOf({ ast })
    return fields.length === 0 ? `  | ${spelled(ast)}\n` : `  | {\n${bodyOf(fields, "      ")}    }\n`
  })
  .join("")

const fields = fieldsOf(ServiceSpec).filter((_) => _.name !== "name")

/** The type of a part of a manifest, with the documentation of its fields at every level. */
const nested = (ast: AST.AST, indent: string): string => {
  const here = AST.isUnion(ast) ? ast.types.filter((type) => !AST.isUndefinedKeyword(type)) : [ast]
  const [only, ...others] = here
  if (only === undefined || others.length > 0) return spelled(ast)
  if (AST.isRefinement(only)) return nested(only.from, indent)
  const [element] = AST.isTupleType(only) ? only.rest : []
  if (element !== undefined) return `ReadonlyArray<${nested(element.type, indent)}>`
  const inside = fieldsOf({ ast: only })
  if (inside.length === 0) return spelled(only)
  const body = inside.map(
    (field) =>
      `${indent}  ${comment(field)}\n${indent}  readonly ${/^\w+$/.test(field.name) ? field.name : JSON.stringify(field.name)}${field.isRequired ? "" : "?"}: ${nested(field.ast, `${indent}  `)}\n`
  )
  return `{\n${body.join("")}${indent}}`
}

const manifestTypes = [
  ...Object.entries(patchable).map(([kind, schema]) => {
    const name = kind === "Service" ? "a service's Knative Service" : "a service's ServiceAccount"
    return `/** The fields of ${name} that a patch can set. */\nexport interface ${kind}PatchInput ${nested(schema.ast, "")}\n`
  }),
  ...[ConfigMap, PodDisruptionBudget].map(
    (schema, index) => `export interface ${Object.keys(manifestKinds)[index + 2]}Input ${nested(schema.ast, "")}\n`
  ),
  "/** One of the app's own objects. */\nexport type ObjectInput = ConfigMapInput | PodDisruptionBudgetInput\n"
]

/** The types of a config in TypeScript. They are written out instead of inferred, because editors show the comment above a field. */
export const inputs = [
  `// Written by \`npm run generate\` from the Schemas beside this file: change it there.
import type {
  CpuQuantity,
  DurationQuantity,
  EnvInputs,
  LeftOut,
  MemoryQuantity,
  Patch,
  Secret,
  Service
} from "./authoring.ts"
`,
  documented(Probe, interfaceOf("ProbeInput", fieldsOf(Probe))),
  interfaceOf("ProbesInput", fieldsOf(Probes)),
  documented(Scale, interfaceOf("ScaleInput", fieldsOf(Scale))),
  documented(Build, `export type BuildInput =\n${build}`),
  ...programs.map(({ also, given, name }) =>
    interfaceOf(
      name,
      fields
        .filter((_) => ofProgram.has(_.name))
        .map((field) => {
          if (field.name === given) return { ...field, isRequired: true }
          return also.some((_) => _ === field.name) ? field : { ...field, doc: { ...field.doc, type: "never" } }
        })
    )
  ),
  interfaceOf(
    "CommonInput",
    fields.filter((_) => !ofProgram.has(_.name))
  ),
  ...manifestTypes
].join("\n")
