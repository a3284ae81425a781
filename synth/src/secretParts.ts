import { createHash } from "node:crypto"
import { SecretName, type SecretReference, type ServiceName } from "@maxcloud/config-schema"
import { Either, Schema } from "effect"
import { annotation } from "./annotations.ts"
import type { Manifest } from "./manifest.ts"
import type { TenantContext } from "./tenant.ts"

/** A text, or a version of a secret that is filled in at apply. */
export const SecretPart = Schema.Union(Schema.String, Schema.Struct({ secret: SecretName, version: Schema.Int }))
export type SecretPart = typeof SecretPart.Type

/** The parts of each key of a Secret's data. */
export const SecretParts = Schema.Record({ key: Schema.String, value: Schema.Array(SecretPart) })
export type SecretParts = typeof SecretParts.Type

/** In a dry run: the version of a secret that only a deployment generates. Its value is empty. */
export const unmadeVersion = 0

/** The version that a deployment pins. Call `missingSecrets` first, which reports secrets without a version. */
export const versionOf = ({ secret }: SecretReference, tenant: TenantContext): SecretPart => {
  const version = tenant.secretVersions.get(secret)
  if (version === undefined) {
    throw new Error(`secret "${secret}" has no version: call missingSecrets before synth, and refuse what it finds`)
  }
  return { secret, version }
}

/** JSON with sorted keys, so that it doesn't depend on the config's order. */
export const writeParts = (parts: SecretParts): string =>
  JSON.stringify(Object.fromEntries(Object.entries(parts).sort(([a], [b]) => (a < b ? -1 : 1))))

const decodeParts = Schema.decodeUnknownEither(Schema.parseJson(SecretParts))

/** Parses the annotation that `writeParts` writes on a Secret; undefined if there is none, left the problem as a clause. */
export const readParts = ({ metadata }: Manifest): Either.Either<SecretParts, string> | undefined => {
  const written = metadata.annotations?.[annotation.secretParts]
  return written === undefined
    ? undefined
    : Either.mapLeft(decodeParts(written), () => `its annotation ${annotation.secretParts} can't be read`)
}

const isCredentials = { [annotation.registryCredentials]: "true" }

/** Does the namespace have a Secret with credentials for registries? */
export const usesPullSecret = ({ pullPeriod, pullSecret }: TenantContext): boolean =>
  pullSecret || pullPeriod !== undefined

/** Marks that Secret. It changes with the platform's own credentials, so that they are applied again. */
export const pullSecretAnnotations = ({ pullPeriod }: TenantContext) => ({
  ...isCredentials,
  ...(pullPeriod === undefined ? {} : { [annotation.pullPeriod]: pullPeriod })
})

/** Whether the manifest doesn't determine the values of this Secret, so that detecting changes needs the values. */
export const isPullSecret = ({ metadata }: Manifest): boolean =>
  metadata.annotations?.[annotation.registryCredentials] === isCredentials[annotation.registryCredentials]

/**
 * The name of a service's Secret: `<service>--<hash>`, at most 62 characters. The hash covers the names and versions of its contents. So a new
 * version creates a new revision, and an old revision keeps its own Secret.
 */
export const secretNameOf = (service: ServiceName, written: string): string => {
  const hash = createHash("sha256").update(service).update("\0").update(written).digest("hex").slice(0, 10)
  return `${secretPrefixOf(service)}${hash}`
}

/** The prefix of a service's Secret names. Services with the same first 50 characters share it. */
export const secretPrefixOf = (service: ServiceName): string => `${service.slice(0, 50).replace(/-$/, "")}--`
