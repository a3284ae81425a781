type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether a regular expression bounds the length of its texts: from `^` to `$`, without unbounded repetition. */
const isFinite = (pattern: unknown): boolean => {
  if (typeof pattern !== "string" || !pattern.startsWith("^") || !pattern.endsWith("$")) return false
  const withoutClasses = pattern.replace(/\\./g, "x").replace(/\[[^\]]*\]/g, "x")
  return !/[*+]|\{\d+,\}/.test(withoutClasses)
}

/**
 * The unbounded parts of a JSON Schema (or of the schemas of an OpenAPI document), where a sender can choose any length, count or depth. `root`
 * resolves references.
 */
export const unbounded = (
  schema: unknown,
  root: unknown,
  path = "",
  above: ReadonlyArray<string> = []
): Array<string> => {
  if (!isObject(schema)) return [`${path}: anything`]
  if (typeof schema.$ref === "string") {
    if (above.includes(schema.$ref)) return [`${path}: nested without end`]
    const target = schema.$ref
      .split("/")
      .slice(1)
      .reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), root)
    // OpenAPI 3.1 and JSON Schema 2020-12 also read keywords beside a reference.
    const { $ref, ...beside } = schema
    return unbounded(isObject(target) ? { ...target, ...beside } : target, root, path, [...above, $ref])
  }
  if (schema.const !== undefined || Array.isArray(schema.enum)) return []
  const inside = (part: unknown, name: string) => unbounded(part, root, `${path}${name}`, above)
  const some = [schema.anyOf, schema.oneOf].find(Array.isArray)
  if (some !== undefined) return some.flatMap((value) => inside(value, ""))
  if (Array.isArray(schema.allOf)) {
    const { allOf, ...rest } = schema
    if (schema.type === undefined) return allOf.flatMap((value) => inside(value, ""))
    return inside(Object.assign({}, ...allOf.filter(isObject), rest), "")
  }
  switch (schema.type) {
    case "boolean":
    case "null":
      return []
    case "string":
      return typeof schema.maxLength === "number" || isFinite(schema.pattern) ? [] : [`${path}: a text of any length`]
    case "integer":
    case "number":
      return typeof (schema.minimum ?? schema.exclusiveMinimum) === "number" &&
        typeof (schema.maximum ?? schema.exclusiveMaximum) === "number"
        ? []
        : [`${path}: a number of any size`]
    case "array":
      return [
        ...(typeof schema.maxItems === "number" ? [] : [`${path}: a list of any length`]),
        ...inside(schema.items, "[]")
      ]
    case "object": {
      const fields = isObject(schema.properties) ? Object.entries(schema.properties) : []
      const values = [
        ...(isObject(schema.patternProperties) ? Object.values(schema.patternProperties) : []),
        ...(schema.additionalProperties === false
          ? []
          : [schema.additionalProperties].filter((value) => value !== undefined))
      ]
      const isOpen = values.length > 0 || schema.additionalProperties === undefined
      const keys =
        schema.propertyNames ?? Object.keys(isObject(schema.patternProperties) ? schema.patternProperties : {})
      return [
        ...fields.flatMap(([key, value]) => inside(value, `.${key}`)),
        ...(isOpen && !isObject(schema.patternProperties) ? [`${path}: an object with any keys`] : []),
        ...(isOpen && typeof schema.maxProperties !== "number" ? [`${path}: a map of any size`] : []),
        ...(values.length === 0
          ? []
          : Array.isArray(keys)
            ? keys.flatMap((key) => inside({ type: "string", pattern: key }, " (key)"))
            : inside(keys, " (key)")),
        ...values.flatMap((value) => inside(value, ".*"))
      ]
    }
    default:
      return [`${path}: anything`]
  }
}
