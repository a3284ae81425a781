import { JSONSchema } from "effect"
import { AppSpec } from "./appSpec.ts"

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

// What a refinement is called inside (`int`, `a string matching …`) tells a reader nothing that the rule beside it does not.
const isNoise = (key: string, value: unknown): boolean =>
  (key === "title" && (value === "int" || value === "nonEmptyString")) ||
  (key === "description" &&
    typeof value === "string" &&
    /^(an integer|a non empty string|a string matching )/.test(value)) ||
  (key === "required" && Array.isArray(value) && value.length === 0)

const cleaned = (value: unknown, isNameMap: boolean): unknown => {
  if (Array.isArray(value)) return value.map((_) => cleaned(_, false))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, _]) => isNameMap || !isNoise(key, _))
      .map(([key, _]) => [key, cleaned(_, !isNameMap && (key === "properties" || key === "$defs"))])
  )
}

/** The JSON Schema (draft 7) of an AppSpec as it is written in YAML or JSON, for editors and other programs. */
export const appSpecJsonSchema = (): Readonly<Record<string, unknown>> => {
  const { $defs, $schema, ...root } = JSONSchema.make(AppSpec)
  return {
    $schema,
    $id: "https://maxcloud.dev/schemas/app/v1.json",
    title: "max-cloud app",
    ...root,
    $defs: cleaned($defs, true)
  }
}
