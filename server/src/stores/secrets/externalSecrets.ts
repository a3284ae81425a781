import type { AppSpec, SecretName, SpecIssue } from "@maxcloud/config-schema"
import { secretsOf } from "@maxcloud/config-schema"
import { Conflict } from "@maxcloud/sdk/api"
import { type ExternalSecrets, externalKeyOf, type TenantContext, textOfExternalKey } from "@maxcloud/synth"

type Place = Pick<TenantContext, "organization" | "app" | "stage">

const namesOf = (spec: AppSpec): ReadonlyArray<SecretName> => [...new Set(spec.services.flatMap(secretsOf))].sort()

/**
 * The server knows no versions of a store's secrets: each deployment reads them again, and its number identifies the
 * reading.
 */
export const versionsFromStore = (spec: AppSpec, deployment: number): ReadonlyMap<SecretName, number> =>
  new Map(namesOf(spec).map((value) => [value, deployment]))

/** Warnings before a deployment that reads from a store. Only the cluster finds out whether a value exists. */
export const storeWarnings = (external: ExternalSecrets, place: Place, spec: AppSpec): ReadonlyArray<SpecIssue> => {
  const names = namesOf(spec)
  if (names.length === 0) return []
  const keys = names.map((name) => `${name} from ${textOfExternalKey(externalKeyOf(external, place, name))}`)
  return [
    {
      path: [],
      message: `values of secrets come from the store "${external.store}" at the time of the deployment: ${keys.join(", ")}. The deployment fails if one doesn't exist`
    }
  ]
}

/** 409: the server doesn't store values here. Says where to set them. */
export const heldElsewhere = (external: ExternalSecrets, place: Place, names: ReadonlyArray<SecretName>) => {
  const [first, ...more] = names
  const where = first === undefined ? "" : textOfExternalKey(externalKeyOf(external, place, first))
  const others = more.length === 0 ? "" : ` (and likewise ${more.length} more)`
  return new Conflict({
    detail: `This platform keeps the values of secrets in the store "${external.store}". Set ${first} there, under the key ${where}${others}, and deploy again.`
  })
}
