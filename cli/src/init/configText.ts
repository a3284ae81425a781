/** How a config is written. */
export const formats = ["ts", "yaml", "json"] as const
export type Format = (typeof formats)[number]

export interface WrittenService {
  readonly name: string
  readonly source: string
  /** Whether to write an example with more of a config's features. */
  readonly isExample: boolean
}

export interface WrittenConfig {
  readonly app: string
  readonly services: ReadonlyArray<WrittenService>
  /** The path or URL of the JSON Schema, for editors of YAML and JSON. */
  readonly schema: string
}

/** Names that a variable can't have, or that the config already uses. */
const reserved = new Set(
  "arguments await break case catch class const continue debugger default defineConfig delete do else enum eval export extends false finally for function if implements import in instanceof interface let new null package private protected public return secret service stage static super switch text this throw true try typeof undefined var void while with yield".split(
    " "
  )
)

const variableOf = (name: string): string => {
  const camel = name.replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return reserved.has(camel) ? `${camel}Service` : camel
}

const quoted = (value: string) => JSON.stringify(value)

const typescript = ({ app, services }: WrittenConfig): string => {
  const isExample = services.some((service) => service.isExample)
  const declared = services.map((service) => {
    const env = service.isExample ? "    env: { STAGE: stage },\n" : ""
    return `  const ${variableOf(service.name)} = service(${quoted(service.name)}, {
    source: ${quoted(service.source)},
${env}    scale: { min: 0, max: 5 }
  })
`
  })
  return `import { defineConfig, service } from "@maxcloud/sdk/config"

export default defineConfig((${isExample ? "{ stage }" : ""}) => {
${declared.join("")}  return { app: ${quoted(app)}, services: [${services.map((service) => variableOf(service.name)).join(", ")}] }
})
`
}

/** YAML reads these words as values of another type, and a folder may be called `null`. */
const scalar = (name: string) => (/^(?:true|false|null|yes|no|on|off|y|n)$/.test(name) ? quoted(name) : name)

const yaml = ({ app, schema, services }: WrittenConfig): string => `# yaml-language-server: $schema=${schema}
app: ${scalar(app)}
services:
${services
  .map(
    ({ name, source }) => `  - name: ${scalar(name)}
    source: ${quoted(source)}
    scale: { min: 0, max: 5 }
`
  )
  .join("")}`

const json = ({ app, schema, services }: WrittenConfig): string =>
  `${JSON.stringify(
    {
      $schema: schema,
      app,
      services: services.map(({ name, source }) => ({ name, source, scale: { min: 0, max: 5 } }))
    },
    null,
    2
  )}\n`

const writers: Readonly<Record<Format, (config: WrittenConfig) => string>> = { ts: typescript, yaml, json }

export const configText = (format: Format, config: WrittenConfig): string => writers[format](config)
