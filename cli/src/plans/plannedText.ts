import { Option, Schema } from "effect"

const SecretVersion = Schema.Struct({
  secret: Schema.String,
  version: Schema.NullOr(Schema.Int),
  /** So many characters are made by the deployment. */
  generate: Schema.optional(Schema.Int)
})
const Address = Schema.Struct({ service: Schema.String, property: Schema.String })
const External = Schema.Struct({
  external: Schema.String,
  property: Schema.String,
  stage: Schema.optional(Schema.String)
})
const Reference = Schema.Union(SecretVersion, Address, External)
const Planned = Schema.Union(Reference, Schema.Struct({ join: Schema.Array(Schema.Union(Schema.String, Reference)) }))
type Reference = typeof Reference.Type

/** Anything else in such a value means that it isn't one of these. */
const decode = Schema.decodeUnknownOption(Schema.parseJson(Planned), { onExcessProperty: "error" })

const referenceText = (part: Reference) => {
  if ("secret" in part) return `secret("${part.secret}")`
  if ("service" in part) return `${part.service}.${part.property}`
  const names = part.external.split("/").map((name) => `"${name}"`)
  const stage = part.stage === undefined ? [] : [`{ stage: "${part.stage}" }`]
  return `external(${[...names, ...stage].join(", ")}).${part.property}`
}

/** Neighbouring literals as one: `$` and `{` would begin a placeholder. */
const merged = (join: ReadonlyArray<string | Reference>): ReadonlyArray<string | Reference> => {
  const parts: Array<string | Reference> = []
  for (const part of join) {
    const last = parts.at(-1)
    if (typeof part === "string" && typeof last === "string") parts[parts.length - 1] = last + part
    else parts.push(part)
  }
  return parts
}

/** As it stands between backticks. */
const literalText = (part: string) =>
  part
    .split('"')
    .map((piece) => JSON.stringify(piece).slice(1, -1))
    .join('"')
    .replaceAll("`", "\\`")
    .replaceAll("${", "\\${")

const versionText = ({ generate, version }: typeof SecretVersion.Type) => {
  if (version !== null) return `version ${version}`
  return generate === undefined ? "not set" : `made by this deployment, ${generate} characters`
}

/**
 * The value of a field in a plan, which is JSON. A secret, an address or a `text` is shown as a config writes it, and with the versions of
 * its secrets: a new version is a change.
 */
export const plannedText = (json: string): string => {
  const value = Option.getOrUndefined(decode(json))
  if (value === undefined) return json
  if (!("join" in value)) {
    return "secret" in value ? `${referenceText(value)} (${versionText(value)})` : referenceText(value)
  }
  const parts = merged(value.join).map((part) =>
    typeof part === "string" ? literalText(part) : `\${${referenceText(part)}}`
  )
  const versions = value.join.flatMap((part) =>
    typeof part !== "string" && "secret" in part ? [`${part.secret}: ${versionText(part)}`] : []
  )
  return `text\`${parts.join("")}\`${versions.length === 0 ? "" : ` (${[...new Set(versions)].join(", ")})`}`
}
