import { isJson, type Json, mapParts, referred } from "./json.ts"

/** The library's descriptions of rules that are also present as keywords. */
const libraryText = /^an? (integer|non empty string|number|string|array)( (between|matching|at|of|to be) .+)?$/

const isNoise = (key: string, value: unknown) =>
  // Generators name types after titles, and these repeat.
  key === "title" ||
  (key === "description" && typeof value === "string" && libraryText.test(value)) ||
  (key === "required" && Array.isArray(value) && value.length === 0) ||
  (key === "properties" && isJson(value) && Object.keys(value).length === 0) ||
  // The library's name for unrestricted text.
  (key === "$id" && value === "/schemas/unknown")

/** The library's names for plain types. They are inlined. */
const isScalar = (schema: Json) =>
  typeof schema["type"] === "string" && schema["type"] !== "object" && schema["enum"] === undefined

const withoutNoise = (schema: Json): Json =>
  Object.fromEntries(Object.entries(schema).filter(([key, value]) => !isNoise(key, value)))

/** Every generator supports maps as `additionalProperties`; few support `patternProperties`. */
const asMap = ({ patternProperties, ...rest }: Json): Json =>
  isJson(patternProperties) && Object.keys(patternProperties).join() === ""
    ? { ...rest, additionalProperties: patternProperties[""] }
    : { ...rest, ...(patternProperties === undefined ? {} : { patternProperties }) }

/** All other numbers are doubles: generators would pick a narrower type. */
const asDouble = (schema: Json): Json => (schema["type"] === "number" ? { ...schema, format: "double" } : schema)

/**
 * Move a default into the description. Given a `default`, generators treat a field as always present, or send the value of their
 * day. The server fills it in.
 */
const withDefaultTold = ({ default: usual, ...schema }: Json): Json => {
  if (usual === undefined) return schema
  const { description } = schema
  const told = `Default: \`${JSON.stringify(usual)}\`.`
  return { ...schema, description: typeof description === "string" ? `${description} ${told}` : told }
}

/** The library declares integer literals as `number`. */
const asInteger = (schema: Json): Json =>
  schema["type"] === "number" && Array.isArray(schema["enum"]) && schema["enum"].every(Number.isInteger)
    ? { ...schema, type: "integer" }
    : schema

/** A plain type that has a description of its own came by the library's name for it. */
const asOwn = (schema: Json): Json => {
  const { allOf, ...rest } = schema
  const [only, ...more] = Array.isArray(allOf) ? allOf : []
  return isJson(only) && more.length === 0 && referred(only) === undefined ? { ...only, ...rest } : schema
}

/** Write `null` beside a single type as a second type. */
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
 * Rewrites a schema as a person would write it and as client generators read it: without the library's own descriptions, and with
 * its plain type names inlined. `named`: the components.
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
      asInteger(
        asOwn(mapParts(withDefaultTold(asMap(withoutNoise(written))), (part) => readable(part, named, library)))
      )
    )
  )
}

/** The components that are only a plain type. */
export const typesOfLibrary = (named: Readonly<Record<string, unknown>>): ReadonlySet<string> =>
  new Set(["Int", "BooleanFromString", "NumberFromString"].filter((name) => name in named))
