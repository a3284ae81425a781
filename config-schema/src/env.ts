import { ParseResult, Schema } from "effect"
import { bounds, keptKey, listUpTo, mapUpTo, quoted, textUpTo } from "./bounds.ts"
import { ExternalReference } from "./external.ts"
import { optional, required, typedAs } from "./field.ts"
import { SecretName, ServiceName } from "./names.ts"
import { whole } from "./scale.ts"

const GeneratedLength = whole(16, 256, "length of a generated secret")

/** A secret of the same app and stage. Its value is never in a config, a plan or a stored manifest. */
export const SecretReference = Schema.Struct({
  secret: required(keptKey(SecretName), "Name of the secret."),
  generate: optional(
    GeneratedLength,
    "Let the server generate the value at the first deploy if nobody has set one, with this many letters and digits."
  )
}).annotations({
  identifier: "SecretReference",
  ...typedAs("Secret")
})
export type SecretReference = typeof SecretReference.Type

/**
 * An address of another service of the same app. `url` is internal (`http://…`); `host` is the same without a scheme, with the port unless it
 * is 80; `publicUrl` is public, and exists only for a public service. Using `url` or `host` is a link, which opens the network for the call.
 */
export const ServiceReference = Schema.Struct({
  service: ServiceName,
  property: Schema.Literal("url", "host", "publicUrl")
}).annotations({ identifier: "ServiceReference", ...typedAs("ServiceAddress") })
export type ServiceReference = typeof ServiceReference.Type

/** Texts and references, joined in order. */
export const Join = Schema.Struct({
  join: listUpTo(
    Schema.Union(textUpTo(bounds.envValueLength, "This part"), SecretReference, ServiceReference, ExternalReference),
    bounds.joinParts,
    "The joined value"
  )
}).annotations({ identifier: "Join", ...typedAs("Text") })
export type Join = typeof Join.Type

const EnvText = textUpTo(bounds.envValueLength, "The value").pipe(
  Schema.filter((text) => (text.includes("\0") ? "The value can't contain a NUL byte." : true))
)

const Finite = Schema.Number.pipe(
  Schema.filter((value) => Number.isFinite(value) || `${value} isn't a valid number for a variable. Use a text.`, {
    jsonSchema: { minimum: -Number.MAX_VALUE, maximum: Number.MAX_VALUE }
  })
)

/** A number or boolean, decoded to its JavaScript text. Encoding never produces one. */
const Plain = Schema.transformOrFail(Schema.Union(Finite, Schema.Boolean), EnvText, {
  strict: true,
  decode: (value) => ParseResult.succeed(String(value)),
  encode: (text, _, ast) => ParseResult.fail(new ParseResult.Type(ast, text, "A text stays a text."))
})

/** The value of an environment variable: a text, number or boolean, a secret, another service's address, or those joined. */
export const EnvValue = Schema.Union(
  EnvText,
  Plain,
  SecretReference,
  ServiceReference,
  ExternalReference,
  Join
).annotations({
  identifier: "EnvValue",
  ...typedAs("EnvInput"),
  message: ({ actual }) =>
    actual === undefined || actual === null ? "The variable has no value. Set a text, or remove the variable." : ""
})
export type EnvValue = typeof EnvValue.Type

/** The platform sets these in every instance (Knative runtime contract, "Process"), so no config can. */
export const reservedEnvNames: ReadonlySet<string> = new Set(["PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION"])

const envName = (isReserved: (name: string) => boolean) =>
  textUpTo(bounds.envNameLength, "The name of the variable").pipe(
    Schema.filter(
      (value) => {
        if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
          return `${quoted(value)} isn't a valid name for an environment variable. Use letters, digits and "_". Don't start with a digit.`
        }
        return isReserved(value) ? `The platform sets "${value}". Remove it.` : true
      },
      {
        jsonSchema: { pattern: "^[A-Za-z_][A-Za-z0-9_]*$", maxLength: bounds.envNameLength },
        arbitrary: () => (fc) => fc.stringMatching(/^[A-JL-OQ-Z][A-Z0-9_]{0,20}$/)
      }
    )
  )

/** The name of an environment variable (POSIX: letters, digits and `_`, not starting with a digit). */
export const EnvName = envName((name) => reservedEnvNames.has(name))

/** The same, but `PORT` is allowed and means the service's port (`withPortOfEnv`). */
export const WrittenEnvName = envName((name) => name !== "PORT" && reservedEnvNames.has(name))

/** Environment of a service. */
export const Env = mapUpTo(EnvName, EnvValue, bounds.envVariables, "The environment")
export type Env = typeof Env.Type

export type Reference = SecretReference | ServiceReference | ExternalReference

/** The references inside a value, in order. */
export const referencesOf = (value: EnvValue): ReadonlyArray<Reference> => {
  if (typeof value === "string") return []
  if ("join" in value) return value.join.filter((each): each is Reference => typeof each !== "string")
  return [value]
}
