import { keptPolicies } from "./kept.ts"

const bodyOf = (schema: object): object =>
  Object.fromEntries(Object.entries(schema).filter(([key]) => key !== "$schema" && key !== "$id"))

const one = (description: string, name: string, value: object) => ({
  type: "object",
  description,
  properties: { [name]: { description, ...value } },
  required: [name],
  additionalProperties: false
})

const entries = Object.entries(keptPolicies)

/** The JSON Schemas of `policies` in YAML and JSON: the list, and a single policy. */
export const policiesJsonSchema = {
  list: {
    type: "array",
    items: { $ref: "#/$defs/Policy" },
    maxItems: 100,
    description:
      "Rules that the app must follow, for `plan`, `deploy` and `config check`. They aren't sent to the server."
  },
  policy: () => ({
    anyOf: [
      ...entries.flatMap(([name, { check, description }]) =>
        check === undefined ? [] : [{ const: name, description }]
      ),
      ...entries.flatMap(([name, { description, value }]) =>
        value === undefined ? [] : [one(description, name, bodyOf(value.jsonSchema()))]
      ),
      one("Findings of this policy are warnings, and don't refuse a deploy.", "warn", { $ref: "#/$defs/Policy" })
    ]
  })
}
