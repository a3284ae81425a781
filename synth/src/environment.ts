import { createHash } from "node:crypto"
import {
  type EnvValue,
  type Reference,
  type SecretReference,
  type ServiceSpec,
  targetOf
} from "@maxcloud/config-schema"
import type { EnvVar, VolumeMount } from "./container.ts"
import { literal } from "./literal.ts"
import { internalHostOf, placeOfApp, publicUrlOf } from "./names.ts"
import type { SecretVolume } from "./revisionTemplate.ts"
import { type SecretPart, type SecretParts, secretNameOf, versionOf, writeParts } from "./secretParts.ts"
import type { TenantContext } from "./tenant.ts"

/** The environment and files of a service, and their Secret. */
export interface Environment {
  readonly env: ReadonlyArray<EnvVar>
  readonly volumes: ReadonlyArray<SecretVolume>
  readonly volumeMounts: ReadonlyArray<VolumeMount>
  readonly secret: { readonly name: string; readonly parts: SecretParts } | undefined
}

const addressOf = (reference: Exclude<Reference, SecretReference>, tenant: TenantContext): string => {
  const { property } = reference
  const external = "external" in reference ? targetOf(reference, tenant.stage) : undefined
  const place = external === undefined ? tenant : { ...tenant, ...placeOfApp(external, tenant) }
  const service = "external" in reference ? targetOf(reference, tenant.stage).service : reference.service
  if (property === "publicUrl") return publicUrlOf(service, place)
  const host = internalHostOf(service, place)
  return property === "url" ? `http://${host}` : host
}

const partOf = (part: string | Reference, tenant: TenantContext): SecretPart => {
  if (typeof part === "string") return part
  return "secret" in part ? versionOf(part, tenant) : addressOf(part, tenant)
}

/** Joins adjacent texts. A value without a secret is one text, or none. */
const partsOf = (value: EnvValue, tenant: TenantContext): ReadonlyArray<SecretPart> => {
  const parts: Array<SecretPart> = []
  for (const part of typeof value !== "string" && "join" in value ? value.join : [value]) {
    const next = partOf(part, tenant)
    const last = parts.at(-1)
    if (typeof next === "string" && typeof last === "string") parts[parts.length - 1] = last + next
    else parts.push(next)
  }
  return parts
}

/** The key of a joined value in the Secret. Keys of plain secrets are their names, which contain no `.`. A key can have 253 characters. */
const joinKey = (name: string) => `env.${name.length <= 200 ? name : createHash("sha256").update(name).digest("hex")}`

/** Readable by every user of the container, because root owns these files and Knative refuses the `fsGroup` that would change that. */
const fileMode = 0o444

const volumeName = "secrets"

const byKey = (a: readonly [string, unknown], b: readonly [string, unknown]) => (a[0] < b[0] ? -1 : 1)

/** Sorted by name, so that the result doesn't depend on the config's order. */
export const environmentOf = (service: ServiceSpec, tenant: TenantContext): Environment => {
  const parts: Record<string, ReadonlyArray<SecretPart>> = {}
  const env = Object.entries(service.env)
    .sort(byKey)
    .map(
      ([name, value]):
        | { readonly name: string; readonly value: string }
        | { readonly name: string; readonly key: string } => {
        const values = partsOf(value, tenant)
        if (!values.some((each) => typeof each !== "string")) return { name, value: values.join("") }
        const key = typeof value !== "string" && "secret" in value ? value.secret : joinKey(name)
        parts[key] = values
        return { name, key }
      }
    )
  const files = Object.entries(service.files).sort(byKey)
  for (const [, reference] of files) parts[reference.secret] = [versionOf(reference, tenant)]

  const secret = secretOf(service, parts, tenant)
  const secretName = secret?.name ?? ""
  const keys = [...new Set(files.map(([, { secret: key }]) => key))].sort()
  return {
    env: env.map((each) =>
      "key" in each
        ? { name: each.name, valueFrom: { secretKeyRef: { name: secretName, key: each.key } } }
        : { name: each.name, value: literal(each.value) }
    ),
    volumes:
      files.length === 0
        ? []
        : [
            {
              name: volumeName,
              secret: { secretName, defaultMode: fileMode, items: keys.map((key) => ({ key, path: key })) }
            }
          ],
    volumeMounts: files.map(([mountPath, { secret: subPath }]) => ({
      name: volumeName,
      mountPath,
      subPath,
      readOnly: true
    })),
    secret
  }
}

const secretOf = (
  service: ServiceSpec,
  parts: SecretParts,
  { externalSecrets }: TenantContext
): Environment["secret"] => {
  if (Object.keys(parts).length === 0) return undefined
  // A value from a different store key needs a different Secret.
  const place = externalSecrets === undefined ? "" : `\0${externalSecrets.store}\0${externalSecrets.key}`
  return { name: secretNameOf(service.name, writeParts(parts) + place), parts }
}
