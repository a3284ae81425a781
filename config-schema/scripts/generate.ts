import { mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { type Bound, boundOf, bounds } from "../src/bounds.ts"
import { defaultOf, fieldsOf, nounOf } from "../src/field.ts"
import { appSpecJsonSchema, parts } from "../src/jsonSchema.ts"
import { allowableFields } from "../src/manifestFields.ts"
import { type ManifestKind, manifestKinds, patchable } from "../src/manifests.ts"
import { policiesJsonSchema } from "../src/policies/jsonSchema.ts"
import { keptPolicies } from "../src/policies/kept.ts"
import { inputs } from "./inputs.ts"

type Json = Readonly<Record<string, unknown>>
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null && !Array.isArray(value)
const objectAt = (value: unknown, key: string): Json => {
  const found = isObject(value) ? value[key] : undefined
  return isObject(found) ? found : {}
}

const sections = [
  { title: "App", part: "AppSpec" },
  { title: "Service", part: "ServiceSpec" },
  { title: "Scale", part: "Scale" },
  { title: "Probes", part: "Probes" },
  { title: "Probe", part: "Probe" },
  { title: "Export", part: "Export" }
] as const

const links: Readonly<Record<string, string>> = {
  ServiceSpec: "[service](#service)",
  Scale: "[scale](#scale)",
  Probes: "[probes](#probes)",
  Probe: "[probe](#probe)",
  Export: "[export](#export)",
  OutputValue: "text, public URL, or those joined",
  Source: "folder",
  EnvValue: "[value](#values-of-env)",
  SecretReference: "secret",
  ManifestPatch: "[patch](#manifests)",
  AppObject: "[object](#manifests)"
}

const typeOf = (schema: unknown): string => {
  if (!isObject(schema)) return ""
  if (typeof schema.$ref === "string") {
    const name = schema.$ref.split("/").at(-1) ?? ""
    return links[name] ?? name
  }
  const some = [schema.anyOf, schema.allOf].find(Array.isArray)
  if (some !== undefined) return [...new Set(some.map(typeOf))].join(" or ")
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => `\`${JSON.stringify(value)}\``).join(", ")
  switch (schema.type) {
    case "string":
      return "text"
    case "integer":
    case "number": {
      const { maximum, minimum } = schema
      const range =
        minimum === undefined ? "" : maximum === undefined ? `, from ${minimum}` : `, ${minimum} to ${maximum}`
      return schema.type === "integer" ? `whole number${range}` : "number"
    }
    case "array":
      return `list of ${typeOf(schema.items)}`
    case "object":
      return `map to ${typeOf(Object.values(objectAt(schema, "patternProperties"))[0])}`
    default:
      return ""
  }
}

const cell = (text: string) => text.replaceAll("|", "\\|")

const table = (schema: Json, part: keyof typeof parts): string => {
  const properties = objectAt(objectAt(objectAt(schema, "$defs"), part), "properties")
  const rows = fieldsOf(parts[part]).map((field) => {
    const fallback = defaultOf(field)
    const shown = /^["\d]/.test(fallback) ? `\`${fallback}\`` : fallback
    const type = nounOf(field) ?? cell(typeOf(properties[field.name]))
    return `| \`${field.name}\` | ${type} | ${shown} | ${cell(field.description)} |`
  })
  return ["| field | type | default | |", "|---|---|---|---|", ...rows].join("\n")
}

const intro = `<!-- Written by \`npm run generate\` from config-schema/src: change it there. -->

# Config reference

An app is described by \`maxcloud.config.ts\` (or \`.mts\`, \`.cts\`, \`.js\`, \`.mjs\`, \`.cjs\`), or as plain data by
\`maxcloud.config.yaml\` (\`.yml\`) or \`.json\`. Both produce the same AppSpec. \`maxcloud config check\` reads it and reports every mistake with its position. Unknown
keys are mistakes.

\`\`\`ts
import { defineConfig, secret, service } from "@maxcloud/sdk/config"

export default defineConfig(({ stage }) => {
  const api = service("api", {
    source: "./api",
    env: { DATABASE_URL: secret("DATABASE_URL") },
    scale: { min: stage === "production" ? 1 : 0, max: 5, concurrency: 20 }
  })
  const web = service("web", { image: "docker.io/library/nginx:1.27", port: 80, env: { API_URL: api.url } })
  return { app: "shop", services: [api, web] }
})
\`\`\`

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/@maxcloud/sdk/config.schema.json
app: shop
services:
  - name: api
    source: ./api
    env: { DATABASE_URL: { secret: DATABASE_URL } }
    scale: { max: 5, concurrency: 20 }
  - name: web
    image: docker.io/library/nginx:1.27
    port: 80
    env: { API_URL: { service: api, property: url } }
\`\`\`

In YAML and JSON, you can set fields for every service at once:

\`\`\`yaml
app: shop
defaults:
  memory: 1Gi
  env: { LOG_LEVEL: info }
services:
  - name: api
    source: ./api
  - name: web
    source: ./web
    env: { LOG_LEVEL: debug, THEME: dark }
\`\`\`

A service's own field wins. \`env\`, \`files\`, \`labels\`, \`scale\` and \`probes\` are merged entry by entry, and a service's own entry replaces the default's entry completely. A service with an \`image\`
gets no \`source\` and no \`build\` from the defaults, and vice versa. \`name\` can't be a default. Mistakes are reported where they are written. In TypeScript, use a constant and
\`...\`.

[Config files](../config-files.md) describes a config's context and its imports. A duration is a text with its unit: \`"500ms"\`, \`"30s"\`, \`"5m"\`, \`"1h"\`. CPU is written in vCPU (\`1\`, \`0.5\`) or
milli-vCPU (\`"500m"\`), memory in bytes or as \`"256Mi"\`, \`"1Gi"\`.`

const versions = `## Versions of this description

If you leave out \`apiVersion\`, it is \`maxcloud.dev/v1\`, the only version so far. When there is a new one, \`maxcloud config migrate\` rewrites a config for it and keeps your comments;
\`--check\` only says whether something would change. A version that your max-cloud doesn't know is a mistake.`

const values = `## Values of env

| in TypeScript | in YAML or JSON | what the service sees |
|---|---|---|
| \`"text"\` | \`"text"\` | the text |
| \`5\`, \`0.5\`, \`true\` | the same | its text in JavaScript: \`5\`, \`0.5\`, \`true\` |
| \`envOf({ … })\` |  | the variables of a [contract](../environment.md) |
| \`secret("NAME")\` | \`{ secret: NAME }\` | the secret's value |
| \`api.url\` | \`{ service: api, property: url }\` | the internal URL of \`api\`, \`http://…\`; this is a link |
| \`api.host\` | \`{ service: api, property: host }\` | the same without a scheme; this is a link |
| \`api.publicUrl\` | \`{ service: api, property: publicUrl }\` | the public URL of \`api\`, only for a public service; this isn't a link |
| \`external("billing", "api").url\` | \`{ external: billing/api, property: url }\` | the internal URL of \`api\` of the app \`billing\`; this is a link. \`host\` and \`publicUrl\` work too. See [many apps](../many-apps.md) |
| \`external("billing", "api", { stage: "production" }).url\` | \`{ external: billing/api, property: url, stage: production }\` | the same, in a stage other than the app's own |
| \`\` text\\\`postgres://app:\${secret("PASSWORD")}@db/shop\\\` \`\` | \`{ join: ["postgres://app:", { secret: PASSWORD }, "@db/shop"] }\` | the joined text |

The platform sets \`PORT\`, \`K_SERVICE\`, \`K_REVISION\` and \`K_CONFIGURATION\`.`

const isManifestKind = (name: string): name is ManifestKind => Object.hasOwn(manifestKinds, name)

const manifests = [
  "## Manifests",
  "",
  "[Fields of Kubernetes that max-cloud doesn't have](../manifests.md) says how to use them. The server's operator allows each of them by its kind and field (`MAXCLOUD_MANIFESTS`). `[…]` is a key.",
  "",
  "| kind | field | |",
  "|---|---|---|",
  ...Object.keys(manifestKinds)
    .filter(isManifestKind)
    .flatMap((kind) =>
      allowableFields(kind).map(
        ({ field, text }) =>
          `| ${Object.hasOwn(patchable, kind) ? "patch of a " : ""}${kind} | \`${field}\` | ${cell(text)} |`
      )
    )
].join("\n")

/** The form in TypeScript: `maxMemory("1Gi")` for `{ maxMemory: 1Gi }`. */
const inTypeScript = (name: string, example: string): string => {
  const written = example.startsWith("{") ? example.slice(name.length + 4, -2) : undefined
  if (written === undefined) return name
  const values = written.replace(/^\[|\]$/g, "").split(", ")
  return `${name}(${values.map((value) => (/^\d+$/.test(value) ? value : JSON.stringify(value))).join(", ")})`
}

const policies = [
  "## Policies",
  "",
  "Rules for `policies`, which `plan`, `deploy` and `config check` check. See [Policies](../policies.md).",
  "",
  "| in TypeScript | in YAML or JSON | |",
  "|---|---|---|",
  ...Object.entries(keptPolicies).map(
    ([name, { description, example }]) => `| \`${inTypeScript(name, example)}\` | \`${example}\` | ${description} |`
  ),
  "| `warn(noLatest)` | `{ warn: noLatest }` | The same policy, but it only warns. |",
  '| `policy("name", (app) => …)` |  | A policy of your own. |'
].join("\n")

const isBound = (key: string): key is Bound => Object.hasOwn(bounds, key)

const limits = [
  "## Limits",
  "",
  "A real app stays far below these limits. They keep the check of an app fast, whoever sends it.",
  "",
  "| at most | of |",
  "|---|---|",
  ...Object.keys(bounds)
    .filter(isBound)
    .map((name) => `| ${bounds[name].toLocaleString("en-US")} | ${boundOf[name]} |`)
].join("\n")

/** Fields that a YAML or JSON config can have besides an AppSpec. The loader removes them. */
const withSchemaKey = (schema: Json): Json => {
  const defs = objectAt(schema, "$defs")
  const app = objectAt(defs, "AppSpec")
  const $schema = { type: "string", description: "The path or URL of this schema, for editors." }
  const { name, ...fields } = objectAt(objectAt(defs, "ServiceSpec"), "properties")
  const defaults = {
    type: "object",
    properties: fields,
    additionalProperties: false,
    description: "Default fields for every service."
  }
  const { list, policy } = policiesJsonSchema
  const properties = { $schema, defaults, ...objectAt(app, "properties"), policies: list }
  return { ...schema, $defs: { ...defs, AppSpec: { ...app, properties }, Policy: policy() } }
}

/** The generated files: content by path from the repository's root. */
export const generated = (): Readonly<Record<string, string>> => {
  const schema = appSpecJsonSchema()
  const tables = sections.map(({ part, title }) => `## ${title}\n\n${table(schema, part)}`)
  const written = `${JSON.stringify(withSchemaKey(schema), undefined, 2)}\n`
  return {
    "docs/config.schema.json": written,
    // Published with the SDK, so that a YAML config can name it below node_modules.
    "sdk/config.schema.json": written,
    "config-schema/src/inputs.ts": inputs,
    "docs/reference/config.md": `${[intro, ...tables, values, manifests, policies, versions, limits].join("\n\n")}\n`
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, content] of Object.entries(generated())) {
    const file = fileURLToPath(new URL(`../../${path}`, import.meta.url))
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
  }
}
