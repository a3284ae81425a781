import type { ServiceSpec } from "@maxcloud/config-schema"
import type { TemplateAnnotations } from "./revisionTemplate.ts"
import type { ResolvedImage, TenantContext } from "./tenant.ts"

export interface Image {
  readonly image: string
  /** Annotations of the template that describe the source, if it is one. */
  readonly annotations: Partial<TemplateAnnotations>
  /** The registry's facts about it, if the registry was asked. */
  readonly resolved: ResolvedImage | undefined
}

/**
 * The image of a service, pinned to its digest if known, else as in the spec. A source has only a name in a registry that needn't exist:
 * `@<digest>` for a snapshot, no tag for a folder run in place, `:unbuilt` if neither is known (offline).
 */
export const imageOf = (service: ServiceSpec, tenant: TenantContext): Image => {
  const { image, source } = service
  if (image !== undefined) {
    const resolved = tenant.images.get(image)
    return { image: resolved?.reference ?? image, annotations: {}, resolved }
  }
  const name = `source.maxcloud.dev/${tenant.organization}/${tenant.app}/${service.name}`
  if (source?.directory !== undefined) {
    const { directory, script } = source
    return { image: name, annotations: { sourceDirectory: directory, sourceScript: script }, resolved: undefined }
  }
  if (source?.digest !== undefined) {
    const annotations = {
      sourceDigest: source.digest,
      sourcePackage: source.package,
      sourceBuild: service.build
    }
    return { image: `${name}@${source.digest}`, annotations, resolved: undefined }
  }
  return { image: `${name}:unbuilt`, annotations: {}, resolved: undefined }
}
