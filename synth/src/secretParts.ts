import { createHash } from "node:crypto"
import { SecretName, type SecretReference, type ServiceName } from "@maxcloud/config-schema"
import { Either, Schema } from "effect"
import { annotation } from "./annotations.ts"
import type { Manifest } from "./manifest.ts"
import type { TenantContext } from "./tenant.ts"

/** A text, or a version of a secret whose value is put in at apply. */
export const SecretPart = Schema.Union(Schema.String, Schema.Struct({ secret: SecretName, version: Schema.Int }))
export type SecretPart = typeof SecretPart.Type

/** The parts that make up each key of a Secret's data. */
export const SecretParts = Schema.Record({ key: Schema.String, value: Schema.Array(SecretPart) })
export type SecretParts = typeof SecretParts.Type

/** In a dry run: the version of a secret whose value only a deployment makes. Its value is empty. */
export const unmadeVersion = 0

/** The version that a deployment pins. `missingSecrets` reports secrets without one before this. */
export const versionOf = ({ secret }: SecretReference, tenant: TenantContext): SecretPart => {
  const version = tenant.secretVersions.get(secret)
  if (version === undefined) {
    throw new Error(`secret "${secret}" has no version: call missingSecrets before synth, and refuse what it finds`)
  }
  return { secret, version }
}

/** JSON with its keys sorted, so that it does not depend on how the config orders them. */
export const writeParts = (parts: SecretParts): string =>
  JSON.stringify(Object.fromEntries(Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))))

const decodeParts = Schema.decodeUnknownEither(Schema.parseJson(SecretParts))

/** Reads what `writeParts` has written of a Secret; undefined if it has no such parts, on the left the fault as a clause. */
export const readParts = ({ metadata }: Manifest): Either.Either<SecretParts, string> | undefined => {
  const written = metadata.annotations?.[annotation.secretParts]
  return written === undefined
    ? undefined
    : Either.mapLeft(decodeParts(written), () => `its annotation ${annotation.secretParts} can't be read`)
}

/** On the Secret of the organization's credentials for registries. */
export const pullSecretAnnotations = { [annotation.registryCredentials]: "true" }

/** Are the values of this Secret not fixed by its manifest, so that it must be filled to know whether it has changed? */
export const isPullSecret = ({ metadata }: Manifest): boolean =>
  metadata.annotations?.[annotation.registryCredentials] === pullSecretAnnotations[annotation.registryCredentials]

/**
 * Name of the Secret of a service: `<service>--<hash>`, 62 characters at most. The hash covers its contents by name and
 * version. So a new version makes a new revision, and an old revision keeps its own Secret.
 */
export const secretNameOf = (service: ServiceName, written: string): string => {
  const hash = createHash("sha256").update(service).update("\0").update(written).digest("hex").slice(0, 10)
  return `${secretPrefixOf(service)}${hash}`
}

/** The prefix of a service's Secret names. Services whose names have the same first 50 characters share it. */
export const secretPrefixOf = (service: ServiceName): string => `${service.slice(0, 50).replace(/-$/, "")}--`
