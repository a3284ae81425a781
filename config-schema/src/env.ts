import { Schema } from "effect"
import { bounds, listUpTo, mapUpTo, quoted, textUpTo } from "./bounds.ts"
import { typedAs } from "./field.ts"
import { SecretName, ServiceName } from "./names.ts"

/** The value of a secret of the same app and stage. Its value is never in a config, a plan or a stored manifest. */
export const SecretReference = Schema.Struct({ secret: SecretName }).annotations({
  identifier: "SecretReference",
  ...typedAs("Secret")
})
export type SecretReference = typeof SecretReference.Type

/**
 * An address of another service of the same app. `url`: for callers inside (`http://…`); `host`: the same without a scheme,
 * with the port where it is not 80; `publicUrl`: for callers outside, only of a public service. Naming `url` or `host` is a
 * link: it opens the network edge.
 */
export const ServiceReference = Schema.Struct({
  service: ServiceName,
  property: Schema.Literal("url", "host", "publicUrl")
}).annotations({ identifier: "ServiceReference", ...typedAs("ServiceAddress") })
export type ServiceReference = typeof ServiceReference.Type

/** Texts and references, put together in order. */
export const Join = Schema.Struct({
  join: listUpTo(
    Schema.Union(textUpTo(bounds.envValueLength, "This part"), SecretReference, ServiceReference),
    bounds.joinParts,
    "The joined value"
  )
}).annotations({ identifier: "Join", ...typedAs("Text") })
export type Join = typeof Join.Type

/** The value of an environment variable: a text, a secret, another service's address, or those joined. */
export const EnvValue = Schema.Union(
  textUpTo(bounds.envValueLength, "The value").pipe(
    Schema.filter((text) => (text.includes("\0") ? "The value can't contain a NUL byte." : true))
  ),
  SecretReference,
  ServiceReference,
  Join
).annotations({
  identifier: "EnvValue",
  ...typedAs("EnvInput"),
  message: ({ actual }) => {
    if (actual === undefined || actual === null) return "The variable has no value. Set a text, or remove the variable."
    // The original digits are lost: 3.10 arrives as 3.1, 0123 as 83.
    if (typeof actual === "number") return "The value must be a text. Put it in quotes: 3.10 without them is 3.1."
    return typeof actual === "boolean" ? `The value must be a text. Write "${actual}".` : ""
  }
})
export type EnvValue = typeof EnvValue.Type

/** Set by the platform in every instance (Knative runtime contract, "Process"), so no config may set them. */
export const reservedEnvNames: ReadonlySet<string> = new Set(["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"])

/** Name of an environment variable (POSIX: letters, digits and `_`, not beginning with a digit). */
export const EnvName = textUpTo(bounds.envNameLength, "The name of the variable").pipe(
  Schema.filter(
    (value) => {
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
        return `${quoted(value)} isn't a valid name for an environment variable. Use letters, digits and "_". Don't start with a digit.`
      }
      if (value === "PORT") return `The platform sets "PORT". Set the service's \`port\` instead.`
      if (reservedEnvNames.has(value)) return `The platform sets "${value}". Remove it.`
      return true
    },
    {
      jsonSchema: { pattern: "^[A-Za-z_][A-Za-z0-9_]*$", maxLength: bounds.envNameLength },
      arbitrary: () => (fc) => fc.stringMatching(/^[A-JL-OQ-Z][A-Z0-9_]{0,20}$/)
    }
  )
)

/** Environment of a service. */
export const Env = mapUpTo(EnvName, EnvValue, bounds.envVariables, "The environment")
export type Env = typeof Env.Type

/** The references inside a value, in order. */
export const referencesOf = (value: EnvValue): ReadonlyArray<SecretReference | ServiceReference> => {
  if (typeof value === "string") return []
  if ("join" in value)
    return value.join.filter((each): each is SecretReference | ServiceReference => typeof each !== "string")
  return [value]
}
