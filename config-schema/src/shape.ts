import { bounds } from "./bounds.ts"
import type { SpecIssue } from "./specIssues.ts"

/** How many values `input` holds, itself included, and how deep they are nested; counting ends when a limit is passed. */
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

/**
 * Whether an AppSpec is too large or nested too deep for a parse to begin. Linear up to the limits and no further, so what repeats itself
 * (a YAML alias, an object that contains itself) costs no more than what doesn't.
 */
export const shapeIssue = (input: unknown): SpecIssue | undefined => {
  const { deepest, values } = measure(input, bounds)
  if (deepest > bounds.depth) {
    return {
      path: [],
      message: `The app has more than ${bounds.depth} levels of lists and objects inside each other. Remove the levels that no field needs.`
    }
  }
  if (values > bounds.values) {
    return {
      path: [],
      message: `The app has more than ${bounds.values} values. Split it into several apps, or move settings into an image, a file or a secret.`
    }
  }
  return undefined
}

/** The same for one service of an app. */
export const serviceShapeIssue = (service: unknown, index: number): SpecIssue | undefined =>
  measure(service, { values: bounds.serviceValues, depth: bounds.depth }).values <= bounds.serviceValues
    ? undefined
    : {
        path: ["services", index],
        message: `The service has more than ${bounds.serviceValues} values. Move settings into its image, a file or a secret.`
      }
