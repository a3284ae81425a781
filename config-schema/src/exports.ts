import { Schema } from "effect"
import { bounds, listUpTo, mapUpTo, quoted, textUpTo } from "./bounds.ts"
import { Join, ServiceReference } from "./env.ts"
import { required } from "./field.ts"
import { AppName, ServiceName } from "./names.ts"

/** The other apps that may call a service. */
export const Export = Schema.Struct({
  to: required(
    listUpTo(AppName, bounds.exportedTo, "The list of apps"),
    "Apps of the same organization whose services may call it, in any of their stages."
  )
}).annotations({ identifier: "Export" })

export const Exports = mapUpTo(ServiceName, Export, bounds.services, "The map of exports")
export type Exports = typeof Exports.Type

/** Name of an output. */
export const OutputName = textUpTo(bounds.outputNameLength, "The name of the output").pipe(
  Schema.filter(
    (name) =>
      /^[A-Za-z_][A-Za-z0-9_-]*$/.test(name) ||
      `${quoted(name)} isn't a valid name for an output. Use letters, digits, "_" and "-". Start with a letter or "_".`,
    {
      jsonSchema: { pattern: "^[A-Za-z_][A-Za-z0-9_-]*$", maxLength: bounds.outputNameLength },
      arbitrary: () => (fc) => fc.stringMatching(/^[a-z_][a-z0-9_-]{0,20}$/)
    }
  )
)

const OutputText = textUpTo(bounds.outputLength, "The output")

const partsOf = (value: unknown): ReadonlyArray<unknown> =>
  typeof value === "object" && value !== null && "join" in value && Array.isArray(value.join) ? value.join : [value]
const hasKey = (value: unknown, key: string) =>
  partsOf(value).some((part) => typeof part === "object" && part !== null && key in part)

/** A value that an app publishes after a deploy: a text, a public URL of its services, or those joined. */
export const OutputValue = Schema.Union(
  OutputText,
  ServiceReference,
  Join.pipe(
    Schema.filter((value) => {
      if (hasKey(value, "secret"))
        return "An output can't contain a secret, because everybody who can read the app sees it. Remove the secret."
      return hasKey(value, "external")
        ? "An output can't contain an address of another app. Read that app's own outputs instead."
        : true
    })
  )
).annotations({
  identifier: "OutputValue",
  message: ({ actual }) => {
    if (hasKey(actual, "secret"))
      return "An output can't contain a secret, because everybody who can read the app sees it. Remove the secret."
    if (hasKey(actual, "external")) {
      return "An output can't contain an address of another app. Read that app's own outputs instead."
    }
    return actual === undefined || actual === null
      ? "The output has no value. Set a text or a public URL, or remove it."
      : ""
  }
})
export type OutputValue = typeof OutputValue.Type

export const Outputs = mapUpTo(OutputName, OutputValue, bounds.outputs, "The map of outputs")
export type Outputs = typeof Outputs.Type
