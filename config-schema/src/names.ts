import { Schema } from "effect"
import { quoted } from "./bounds.ts"

const label = /^[a-z]([-a-z0-9]*[a-z0-9])?$/

/** The problem with `value` as a name of up to `max` characters, if any. Names are DNS-1035 labels (RFC 1035, 2.3.1). */
const problemOfName = (what: string, value: string, max: number): string | undefined => {
  if (value.length === 0) return `A ${what} can't be empty.`
  if (value.length > max) return `${quoted(value)} has ${value.length} characters. A ${what} can have up to ${max}.`
  if (!label.test(value)) {
    return `${quoted(value)} isn't a valid ${what}. Use lowercase letters, digits and "-". Start with a letter and end with a letter or digit.`
  }
  if (value.includes("--"))
    return `${quoted(value)} isn't a valid ${what}. Use a single "-": "--" separates the parts of a hostname.`
  if (value === "xn") return `"xn" isn't a valid ${what}. It is reserved for internationalized hostnames.`
  return undefined
}

const name = <Brand extends string>(brand: Brand, what: string, max: number) =>
  Schema.String.pipe(
    Schema.filter((value) => problemOfName(what, value, max) ?? true, {
      jsonSchema: { pattern: "^[a-z]([-a-z0-9]*[a-z0-9])?$", minLength: 1, maxLength: max },
      description: `A DNS-1035 label without "--", at most ${max} characters.`,
      arbitrary: () => (fc) =>
        fc
          .stringMatching(new RegExp(`^[a-z](-?[a-z0-9]){0,${Math.floor((max - 1) / 2)}}$`))
          .filter((generated) => generated !== "xn")
    }),
    Schema.brand(brand)
  )

/** The name of a service, unique in its app and stage. At most 57 characters, because revisions are named `<service>-00001`. */
export const ServiceName = name("ServiceName", "service name", 57)
export type ServiceName = typeof ServiceName.Type

/** Name of an app, which one `maxcloud.config.ts` describes. */
export const AppName = name("AppName", "app name", 40)
export type AppName = typeof AppName.Type

/** Name of a stage: one instance of an app, such as `production`, `dev` or `preview-42`. */
export const StageName = name("StageName", "stage name", 30)
export type StageName = typeof StageName.Type

/** The name of an organization, the tenant. */
export const OrganizationName = name("OrganizationName", "organization name", 30)
export type OrganizationName = typeof OrganizationName.Type

/** Name of a secret: a C identifier, at most 128 characters. */
export const SecretName = Schema.String.pipe(
  Schema.pattern(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, {
    message: ({ actual }) =>
      `${quoted(actual)} isn't a valid secret name. Use up to 128 letters, digits and "_". Don't start with a digit.`,
    arbitrary: () => (fc) => fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,20}$/)
  }),
  Schema.brand("SecretName")
)
export type SecretName = typeof SecretName.Type

/** The default stage. */
export const productionStage = StageName.make("production")
