import { Predicate } from "effect"
import { bounds } from "./bounds.ts"
import { fieldsOf, isOpen } from "./field.ts"
import { ServiceSpec } from "./service.ts"
import type { SpecIssue } from "./specIssues.ts"

/** The number of values in `input`, including itself, and their depth. Stops counting beyond a limit. */
const measure = (input: unknown, limits: { readonly values: number; readonly depth: number }) => {
  let values = 0
  let deepest = 0
  const visit = (value: unknown, depth: number): void => {
    values += 1
    if (typeof value !== "object" || value === null) return
    deepest = Math.max(deepest, depth)
    if (depth > limits.depth) return
    for (const part of Array.isArray(value) ? value : Object.values(value)) {
      if (values > limits.values || deepest > limits.depth) return
      visit(part, depth + 1)
    }
  }
  visit(input, 1)
  return { values, deepest }
}

const valuesIn = (input: unknown, most: number) => measure(input, { values: most, depth: bounds.depth }).values

/**
 * The parts of arbitrary length. The other fields are few and the same for every service, and the sent form always has all of them. They aren't
 * counted, so that every app that can be written can be sent.
 */
const openFields: ReadonlySet<string> = new Set(
  fieldsOf(ServiceSpec)
    .filter(isOpen)
    .map((each) => each.name)
)
const valuesElsewhere = 60

/** The maximum number of values in the JSON of an AppSpec. */
export const maxSpecValues = bounds.values + bounds.services * valuesElsewhere

const openValues = (service: unknown) =>
  Predicate.isReadonlyRecord(service)
    ? Object.entries(service).reduce(
        (sum, [key, value]) => (openFields.has(key) ? sum + valuesIn(value, bounds.values) - 1 : sum),
        0
      )
    : 0

/** The values of the app itself. */
const openValuesOfApp = (app: unknown) =>
  Predicate.isReadonlyRecord(app)
    ? [app["exports"], app["outputs"], app["manifests"]].reduce(
        (sum: number, value) => sum + valuesIn(value ?? {}, bounds.values) - 1,
        0
      )
    : 0

/**
 * Whether an AppSpec is too large or too deeply nested to parse. Linear up to the limits and no further, so repetition (a YAML alias, an object
 * that contains itself) costs no more.
 */
export const shapeIssue = (input: unknown): SpecIssue | undefined => {
  const { deepest, values } = measure(input, { values: maxSpecValues, depth: bounds.depth })
  if (deepest > bounds.depth) {
    return {
      path: [],
      message: `The app has more than ${bounds.depth} nested levels of lists and objects. Remove the levels that no field needs.`
    }
  }
  const services = Predicate.isReadonlyRecord(input) && Array.isArray(input.services) ? input.services : []
  if (
    values > maxSpecValues ||
    services.reduce((sum: number, service) => sum + openValues(service), 0) + openValuesOfApp(input) > bounds.values
  ) {
    return {
      path: [],
      message: `The app has more than ${bounds.values} values. Split it into several apps, or move settings into an image, a file or a secret.`
    }
  }
  return undefined
}

/** The same for one service of an app. */
export const serviceShapeIssue = (service: unknown, index: number): SpecIssue | undefined => {
  const open = openValues(service)
  if (open > bounds.serviceValues) {
    return {
      path: ["services", index],
      message: `The service has more than ${bounds.serviceValues} values. Move settings into its image, a file or a secret.`
    }
  }
  return valuesIn(service, open + valuesElsewhere) > open + valuesElsewhere
    ? {
        path: ["services", index],
        message: `The service has more than ${valuesElsewhere} values outside ${[...openFields].join(", ")}. Remove fields that a service can't have.`
      }
    : undefined
}
