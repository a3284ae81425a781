import { JSONSchema, Predicate } from "effect"
import { AppSpec } from "./appSpec.ts"
import { Export } from "./exports.ts"
import { type Field, fieldsOf } from "./field.ts"
import { Probe, Probes } from "./probes.ts"
import { Scale } from "./scale.ts"
import { ServiceSpec } from "./service.ts"

/** The parts of a config, by name in the JSON Schema. */
export const parts = { AppSpec, ServiceSpec, Scale, Probes, Probe, Export } as const

// Remove internal names of refinements (`int`, `a string matching …`), which only repeat the rule.
const isNoise = (key: string, value: unknown): boolean =>
  (key === "title" && (value === "int" || value === "nonEmptyString")) ||
  (key === "description" &&
    typeof value === "string" &&
    /^(an integer|a non empty string|a string matching )/.test(value)) ||
  (key === "required" && Array.isArray(value) && value.length === 0)

const cleaned = (value: unknown, isNameMap: boolean): unknown => {
  if (Array.isArray(value)) return value.map((each) => cleaned(each, false))
  if (!Predicate.isReadonlyRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, _]) => isNameMap || !isNoise(key, _))
      .map(([key, _]) => [key, cleaned(_, !isNameMap && (key === "properties" || key === "$defs"))])
  )
}

/** Adds the field's documentation. Draft 7 ignores everything beside `$ref`, so put the description on an `allOf` around it. */
const documented = (property: unknown, { description, doc }: Field): unknown => {
  if (!Predicate.isReadonlyRecord(property)) return property
  const { $ref, ...rest } = property
  const isShown = doc.default === undefined && typeof doc.written !== "object" && doc.written !== undefined
  const target = $ref === undefined ? rest : { allOf: [{ $ref }] }
  return { ...target, description, ...(isShown ? { default: doc.written } : {}) }
}

const partOf = (definition: unknown, fields: ReadonlyArray<Field>): unknown => {
  if (!Predicate.isReadonlyRecord(definition) || !Predicate.isReadonlyRecord(definition.properties)) return definition
  const { properties } = definition
  return {
    ...definition,
    properties: Object.fromEntries(fields.map((field) => [field.name, documented(properties[field.name], field)]))
  }
}

/** The JSON Schema (draft 7) of an AppSpec in YAML or JSON, for editors and other programs. */
export const appSpecJsonSchema = (): Readonly<Record<string, unknown>> => {
  const { $defs, $schema, ...root } = JSONSchema.make(AppSpec)
  const defs = cleaned($defs, true)
  return {
    $schema,
    $id: "https://maxcloud.dev/schemas/app/v1.json",
    title: "max-cloud app",
    ...root,
    $defs: Predicate.isReadonlyRecord(defs)
      ? {
          ...defs,
          ...Object.fromEntries(Object.entries(parts).map(([name, _]) => [name, partOf(defs[name], fieldsOf(_))]))
        }
      : {}
  }
}
