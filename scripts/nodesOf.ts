const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** Every node of a syntax tree of `@babel/parser`. */
export function* nodesOf(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (Array.isArray(value)) {
    for (const part of value) yield* nodesOf(part)
  } else if (isObject(value)) {
    if (typeof value["type"] === "string") yield value
    for (const [key, part] of Object.entries(value)) if (key !== "loc") yield* nodesOf(part)
  }
}
