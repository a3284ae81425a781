import { isJson, type Json, mapParts, referred } from "./json.ts"

/** Words of the library about a rule that stands beside them as a keyword. */
const libraryText = /^an? (integer|non empty string|number|string|array)( (between|matching|at|of|to be) .+)?$/

const isNoise = (key: string, value: unknown) =>
  // Generators name types by their titles, and these repeat.
  key === "title" ||
  (key === "description" && typeof value === "string" && libraryText.test(value)) ||
  (key === "required" && Array.isArray(value) && value.length === 0) ||
  (key === "properties" && isJson(value) && Object.keys(value).length === 0) ||
  // A text of any form, by the library's name for it.
  (key === "$id" && value === "/schemas/unknown")

/** Named by the library, and no more than a type: they are written out. */
const isScalar = (schema: Json) =>
  typeof schema["type"] === "string" && schema["type"] !== "object" && schema["enum"] === undefined

const withoutNoise = (schema: Json): Json =>
  Object.fromEntries(Object.entries(schema).filter(([key, value]) => !isNoise(key, value)))

/** A map is `additionalProperties` for every generator; `patternProperties` for few. */
const asMap = ({ patternProperties, ...rest }: Json): Json =>
  isJson(patternProperties) && Object.keys(patternProperties).join() === ""
    ? { ...rest, additionalProperties: patternProperties[""] }
    : { ...rest, ...(patternProperties === undefined ? {} : { patternProperties }) }

/** Any other number is a double: generators take a narrower one else. */
const asDouble = (schema: Json): Json => (schema["type"] === "number" ? { ...schema, format: "double" } : schema)

/**
 * A default as a text: generators take a field that has one for a field that is always there, or send the default of their day. The server
 * fills it in.
 */
const withDefaultTold = ({ default: usual, ...schema }: Json): Json => {
  if (usual === undefined) return schema
  const { description } = schema
  const told = `Default: \`${JSON.stringify(usual)}\`.`
  return { ...schema, description: typeof description === "string" ? `${description} ${told}` : told }
}

/** The library says `number` of literals that are integers. */
const asInteger = (schema: Json): Json =>
  schema["type"] === "number" && Array.isArray(schema["enum"]) && schema["enum"].every(Number.isInteger)
    ? { ...schema, type: "integer" }
    : schema

/** `null` beside one type is a second type of it. */
const asNullable = (schema: Json): Json => {
  const { anyOf, ...rest } = schema
  if (!Array.isArray(anyOf)) return schema
  const members = anyOf.flatMap((each) => (isJson(each) && Array.isArray(each["anyOf"]) ? each["anyOf"] : [each]))
  const others = members.filter((each) => !(isJson(each) && each["type"] === "null"))
  const [only] = others
  if (members.length === 2 && others.length === 1 && isJson(only) && isScalar(only) && !("x-extensible-enum" in only))
    return { ...only, ...rest, type: [only["type"], "null"] }
  return { ...rest, anyOf: members }
}

/**
 * A schema as a person would write it, with what generators of clients read: without the library's own words, and with its names for mere
 * types written out. `named`: the components.
 */
export const readable = (
  schema: Json,
  named: Readonly<Record<string, unknown>>,
  library: ReadonlySet<string>
): Json => {
  const name = referred(schema)
  const target = name === undefined || !library.has(name) ? undefined : named[name]
  const whole: Json = isJson(target) ? { ...target, ...schema } : schema
  const { $ref, ...own } = whole
  const written = isJson(target) || $ref === undefined ? own : whole
  return asNullable(
    asDouble(
      asInteger(mapParts(withDefaultTold(asMap(withoutNoise(written))), (part) => readable(part, named, library)))
    )
  )
}

/** The components that are a mere type. */
export const typesOfLibrary = (named: Readonly<Record<string, unknown>>): ReadonlySet<string> =>
  new Set(["Int", "BooleanFromString", "NumberFromString"].filter((name) => name in named))
