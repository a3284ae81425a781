/** The types that an expression's parts can have. `any`: known only for a certain app. */
export type CelType =
  | { readonly kind: "any" | "bool" | "int" | "double" | "text" | "null" | "type" }
  /** `of` is undefined for an empty list. */
  | { readonly kind: "list"; readonly of: CelType | undefined }
  /** Its keys depend on the app. */
  | { readonly kind: "map"; readonly of: CelType }
  /** Its fields are the same in every app. `isOptional`: it can be null. */
  | { readonly kind: "record"; readonly fields: Readonly<Record<string, CelType>>; readonly isOptional?: true }

export const any: CelType = { kind: "any" }
export const bool: CelType = { kind: "bool" }
export const int: CelType = { kind: "int" }
export const double: CelType = { kind: "double" }
export const text: CelType = { kind: "text" }
export const list = (of: CelType | undefined): CelType => ({ kind: "list", of })
export const map = (of: CelType): CelType => ({ kind: "map", of })

const probe: CelType = {
  kind: "record",
  isOptional: true,
  // Seconds can be whole numbers or fractions.
  fields: {
    path: any,
    initialDelaySeconds: any,
    periodSeconds: any,
    timeoutSeconds: any,
    failureThreshold: int
  }
}

/** A `PolicyService` in the types of CEL. A text or null is `any`, and so is a number that can have a fraction. */
const service: CelType = {
  kind: "record",
  fields: {
    name: text,
    image: any,
    registry: any,
    repository: any,
    tag: any,
    digest: any,
    source: any,
    command: list(text),
    args: list(text),
    port: any,
    protocol: text,
    env: map(any),
    files: map(map(any)),
    cpuMilli: int,
    memoryBytes: int,
    scale: {
      kind: "record",
      fields: { min: int, max: int, concurrency: int, maxConcurrency: int, idleSeconds: any }
    },
    timeoutSeconds: any,
    drainSeconds: any,
    graceSeconds: any,
    probes: { kind: "record", fields: { startup: probe, readiness: probe, liveness: probe } },
    visibility: text,
    links: list(text),
    egress: any,
    labels: map(text),
    manifests: list(any)
  }
}

/** The names in an expression. */
export const namesInPolicies: ReadonlyMap<string, CelType> = new Map([
  ["service", service],
  ["services", list(service)],
  ["app", text],
  ["stage", text],
  ["organization", text],
  ["exports", map({ kind: "record", fields: { to: list(text) } })],
  ["metadata", map(text)]
])

const words: Readonly<Record<CelType["kind"], string>> = {
  any: "a value",
  bool: "true or false",
  int: "a number",
  double: "a number",
  text: "a text",
  null: "null",
  type: "a type",
  list: "a list",
  map: "a map",
  record: "an object"
}
export const typeWords = ({ kind }: CelType): string => words[kind]

const mayBeNull = (type: CelType): boolean =>
  type.kind === "any" || type.kind === "null" || (type.kind === "record" && type.isOptional === true)

const isNumber = ({ kind }: CelType) => kind === "int" || kind === "double"

/** Whether values of these types can be equal. */
export const canBeEqual = (a: CelType, b: CelType): boolean => {
  if (a.kind === "any" || b.kind === "any") return true
  // A comparison with null guards a field, even one that always has a value.
  if (a.kind === "null" || b.kind === "null") return true
  if (isNumber(a) && isNumber(b)) return true
  const isMap = ({ kind }: CelType) => kind === "map" || kind === "record"
  return a.kind === b.kind || (isMap(a) && isMap(b))
}

/** A type that both have; `any` if they have none in common. */
export const joinedType = (a: CelType, b: CelType): CelType => {
  if (a.kind === "list" && b.kind === "list") {
    if (a.of === undefined || b.of === undefined) return a.of === undefined ? b : a
    return list(joinedType(a.of, b.of))
  }
  if (a.kind === "record" || b.kind === "record") return a === b && !mayBeNull(a) ? a : any
  if (a.kind === "map" && b.kind === "map") return map(joinedType(a.of, b.of))
  return a.kind === b.kind ? a : any
}
