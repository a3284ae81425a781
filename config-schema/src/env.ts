import { Schema } from "effect"
import { SecretName, ServiceName } from "./names.ts"

/** The value of a secret of the same app and stage. Its value is never in a config, a plan or a stored manifest. */
export const SecretReference = Schema.Struct({ secret: SecretName }).annotations({ identifier: "SecretReference" })
export type SecretReference = typeof SecretReference.Type

/**
 * An address of another service of the same app. `url`: for callers inside (`http://…`); `host`: the same without a scheme,
 * with the port where it is not 80; `publicUrl`: for callers outside, only of a public service. Naming `url` or `host` is a
 * link: it opens the network edge.
 */
export const ServiceReference = Schema.Struct({
  service: ServiceName,
  property: Schema.Literal("url", "host", "publicUrl")
}).annotations({ identifier: "ServiceReference" })
export type ServiceReference = typeof ServiceReference.Type

/** Texts and references, put together in order. */
export const Join = Schema.Struct({
  join: Schema.Array(Schema.Union(Schema.String, SecretReference, ServiceReference))
}).annotations({ identifier: "Join" })
export type Join = typeof Join.Type

/** The value of an environment variable: a text, a secret, another service's address, or those joined. */
export const EnvValue = Schema.Union(
  Schema.String.pipe(
    Schema.filter((_) => (_.includes("\0") ? "a value must not contain a NUL byte" : true)),
    Schema.filter((_) => (_.length > 32_768 ? `a value may have 32768 characters, this one has ${_.length}` : true))
  ),
  SecretReference,
  ServiceReference,
  Join
).annotations({
  identifier: "EnvValue",
  message: ({ actual }) => {
    if (actual === undefined || actual === null) return "has no value: give it a text, or leave the variable out"
    return typeof actual === "number" || typeof actual === "boolean" ? `must be a text: write "${actual}"` : ""
  }
})
export type EnvValue = typeof EnvValue.Type

/** Set by the platform in every instance (Knative runtime contract, "Process"), so no config may set them. */
export const reservedEnvNames: ReadonlySet<string> = new Set(["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"])

/** Name of an environment variable (POSIX: letters, digits and `_`, not beginning with a digit). */
export const EnvName = Schema.String.pipe(
  Schema.filter(
    (value) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
        return `"${value}" is no name of an environment variable: use letters, digits and "_", and do not begin with a digit`
      }
      if (value === "PORT") return `"PORT" is set by the platform: write the service's \`port\` instead`
      if (reservedEnvNames.has(value)) return `"${value}" is set by the platform and cannot be set here`
      return true
    },
    {
      jsonSchema: { pattern: "^[A-Za-z_][A-Za-z0-9_]*$" },
      arbitrary: () => (fc) => fc.stringMatching(/^[A-JL-OQ-Z][A-Z0-9_]{0,20}$/)
    }
  )
)

/** Environment of a service: 500 variables at most. */
export const Env = Schema.Record({ key: EnvName, value: EnvValue }).pipe(
  Schema.filter((_) => (Object.keys(_).length > 500 ? "a service may have 500 environment variables" : true))
)
export type Env = typeof Env.Type

/** The references inside a value, in order. */
export const referencesOf = (value: EnvValue): ReadonlyArray<SecretReference | ServiceReference> => {
  if (typeof value === "string") return []
  if ("join" in value) return value.join.filter((_): _ is SecretReference | ServiceReference => typeof _ !== "string")
  return [value]
}
