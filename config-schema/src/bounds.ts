import { Schema } from "effect"

/**
 * The maximum sizes in an AppSpec: far more than a real app needs, but small enough that a server checks the largest app quickly. The Schemas,
 * the JSON Schema, the OpenAPI document and docs/reference/config.md all read this table.
 */
export const bounds = {
  /** For the whole app: each text, number, list and object inside the fields of arbitrary length. */
  values: 10_000,
  depth: 16,
  services: 500,
  /** For one service. */
  serviceValues: 2_000,
  envVariables: 500,
  envNameLength: 512,
  envValueLength: 32_768,
  joinParts: 100,
  files: 100,
  filePathLength: 1_024,
  commandParts: 500,
  commandPartLength: 32_768,
  links: 500,
  exportedTo: 100,
  outputs: 100,
  outputNameLength: 100,
  outputLength: 8_192,
  egressRanges: 200,
  labels: 64,
  labelKeyLength: 317,
  labelValueLength: 63,
  imageLength: 800,
  sourcePathLength: 4_096,
  sourcePackageLength: 1_024,
  buildCommandLength: 4_096,
  buildOutputLength: 1_024,
  probePathLength: 2_048,
  quantityLength: 32,
  patches: 10,
  objects: 50,
  volumes: 20,
  annotations: 64,
  manifestKeyLength: 253,
  manifestTextLength: 131_072
} as const
export type Bound = keyof typeof bounds

/** The subject of each bound, for the reference and the messages. */
export const boundOf: Readonly<Record<Bound, string>> = {
  values:
    "values inside the lists and maps of all services of an app (`env`, `links`, `args` and so on): each text, number, list and object is one",
  depth: "nested levels of lists and objects",
  services: "services in an app",
  serviceValues: "such values of a service",
  envVariables: "environment variables of a service",
  envNameLength: "characters in the name of an environment variable",
  envValueLength: "characters in the value of an environment variable",
  joinParts: "parts of a joined value",
  files: "files of a service",
  filePathLength: "characters in the path of a file",
  commandParts: "parts of a command, and arguments",
  commandPartLength: "characters in a part of a command, and in an argument",
  links: "links of a service",
  exportedTo: "apps to which a service is exported",
  outputs: "outputs of an app",
  outputNameLength: "characters in the name of an output",
  outputLength: "characters in the text of an output",
  egressRanges: "egress ranges of a service",
  labels: "labels of a service",
  labelKeyLength: "characters in the key of a label",
  labelValueLength: "characters in the value of a label",
  imageLength: "characters in an image reference",
  sourcePathLength: "characters in the path of a source",
  sourcePackageLength: "characters in the folder of a source's package",
  buildCommandLength: "characters in a build command",
  buildOutputLength: "characters in the output folder of a build",
  probePathLength: "characters in the path of a probe",
  quantityLength: "characters in a duration, or an amount of CPU or memory",
  patches: "patches of a service's manifests",
  objects: "an app's own objects",
  volumes: "volumes that a patch adds, and mounts of them",
  annotations: "annotations of a patch or an object, and other entries of a map in it",
  manifestKeyLength: "characters in a name or key in a manifest",
  manifestTextLength: "characters in a text in a manifest"
}

/** Quotes a text in a message: completely if it is short, else its start. */
export const quoted = (value: unknown): string => {
  // Not every caller uses types, and not every value can be converted to a text.
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "A list" : "An object"
  const text = String(value)
  return text.length > 80 ? `"${text.slice(0, 77)}…"` : `"${text}"`
}

/** A text of at most `max` characters. `what` names it in the message. */
export const textUpTo = (max: number, what: string) =>
  Schema.String.pipe(
    Schema.filter(
      (each) => each.length <= max || `${what} has ${each.length} characters. It can have up to ${max}: shorten it.`,
      {
        jsonSchema: { maxLength: max }
      }
    )
  )

/** A list of at most `max` items. */
export const listUpTo = <A, I, R>(item: Schema.Schema<A, I, R>, max: number, what: string) =>
  Schema.Array(item).pipe(
    Schema.filter(
      (each) => each.length <= max || `${what} has ${each.length} items. It can have up to ${max}: remove some.`,
      {
        jsonSchema: { maxItems: max }
      }
    )
  )

/** Refuses the key `__proto__`: assigning it to an object, as decoding does, loses the entry without an error. */
export const keptKey = <K extends string, KI>(key: Schema.Schema<K, KI>) =>
  key.pipe(
    Schema.filter(
      (each) => String(each) !== "__proto__" || '"__proto__" can\'t be used as a name here. Choose another.',
      {
        jsonSchema: { not: { const: "__proto__" } }
      }
    )
  )

/** A map of at most `max` entries. */
export const mapUpTo = <K extends string, KI extends string, V, VI>(
  key: Schema.Schema<K, KI>,
  value: Schema.Schema<V, VI>,
  max: number,
  what: string
) =>
  Schema.Record({ key: keptKey(key), value }).pipe(
    Schema.filter(
      (each) => {
        const count = Object.keys(each).length
        return count <= max || `${what} has ${count} entries. It can have up to ${max}: remove some.`
      },
      { jsonSchema: { maxProperties: max } }
    )
  )
