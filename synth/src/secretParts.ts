import { createHash } from "node:crypto"
import type { SecretName, SecretReference, ServiceName } from "@maxcloud/config-schema"
import type { TenantContext } from "./tenant.ts"

/** A text, or a version of a secret whose value is put in at apply. */
export type SecretPart = string | { readonly secret: SecretName; readonly version: number }

/** What each key of a Secret's data is put together from. */
export type SecretParts = Readonly<Record<string, ReadonlyArray<SecretPart>>>

/** The version that a deployment pins. `missingSecrets` finds what has none, before. */
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

/**
 * Name of the Secret of a service: `<service>--<hash>`, 62 characters at most. The hash is of what it holds, by name and
 * version, so that a new version makes a new revision, and an old revision keeps its own.
 */
export const secretNameOf = (service: ServiceName, written: string): string => {
  const hash = createHash("sha256").update(service).update("\0").update(written).digest("hex").slice(0, 10)
  return `${secretPrefixOf(service)}${hash}`
}

/** What the names of a service's Secrets begin with. Services whose names have the same first 50 characters share it. */
export const secretPrefixOf = (service: ServiceName): string => `${service.slice(0, 50).replace(/-$/, "")}--`
