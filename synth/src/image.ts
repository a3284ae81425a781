import type { AppName, ServiceSpec } from "@maxcloud/config-schema"
import { annotation } from "./annotations.ts"
import type { TenantContext } from "./tenant.ts"

export interface Image {
  readonly image: string
  /** For the template: what the image's name stands for, where it is a source. */
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * The image of a service. A source has only a name, of a registry that need not exist: `@<digest>` for a snapshot, no tag
 * for a folder run in place, `:unbuilt` while neither is known (offline).
 */
export const imageOf = (app: AppName, service: ServiceSpec, tenant: TenantContext): Image => {
  const { image, source } = service
  if (image !== undefined) return { image, annotations: {} }
  const name = `source.maxcloud.dev/${tenant.organization}/${app}/${service.name}`
  if (source?.directory !== undefined) {
    return { image: name, annotations: { [annotation.sourceDirectory]: source.directory } }
  }
  if (source?.digest !== undefined) {
    return { image: `${name}@${source.digest}`, annotations: { [annotation.sourceDigest]: source.digest } }
  }
  return { image: `${name}:unbuilt`, annotations: {} }
}
