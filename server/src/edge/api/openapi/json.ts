import { Predicate } from "effect"

/** An object of a JSON document. */
export type Json = Readonly<Record<string, unknown>>

export const isJson = (value: unknown): value is Json => Predicate.isReadonlyRecord(value)

const schemas = "#/components/schemas/"

export const refTo = (name: string) => ({ $ref: `${schemas}${name}` })

/** The component name that a schema refers to. */
export const referred = (schema: unknown): string | undefined =>
  isJson(schema) && typeof schema["$ref"] === "string" && schema["$ref"].startsWith(schemas)
    ? schema["$ref"].slice(schemas.length)
    : undefined

/** All component names that a part of a document refers to. */
export const referredIn = (part: unknown): ReadonlyArray<string> => {
  if (Array.isArray(part)) return part.flatMap(referredIn)
  if (!isJson(part)) return []
  const name = referred(part)
  return [...(name === undefined ? [] : [name]), ...Object.values(part).flatMap(referredIn)]
}

/** Calls `change` for each schema nested directly in another one, and replaces it with the result. */
export const mapParts = (schema: Json, change: (part: Json, key: string, name: string) => unknown): Json =>
  Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === "properties" && isJson(value)) {
        const changed = Object.entries(value).map(([name, part]) => [
          name,
          isJson(part) ? change(part, key, name) : part
        ])
        return [key, Object.fromEntries(changed)]
      }
      if ((key === "anyOf" || key === "oneOf" || key === "allOf") && Array.isArray(value))
        return [key, value.map((part, index) => (isJson(part) ? change(part, key, String(index)) : part))]
      const isPart = key === "items" || key === "additionalProperties" || key === "propertyNames"
      return [key, isPart && isJson(value) ? change(value, key, "") : value]
    })
  )
