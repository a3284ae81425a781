import type { ServiceSpec } from "@maxcloud/config-schema"
import type { TemplateAnnotations } from "./revisionTemplate.ts"
import type { ResolvedImage, TenantContext } from "./tenant.ts"

export interface Image {
  readonly image: string
  /** For the template: the meaning of the image's name, if it is a source. */
  readonly annotations: Partial<TemplateAnnotations>
  /** The registry's answer for it, if the registry was asked. */
  readonly resolved: ResolvedImage | undefined
}

/**
 * The image of a service: pinned to a digest where it is known, else as the spec writes it. A source has only a name, of a registry that need not exist: `@<digest>` for a snapshot, no tag
 * for a folder run in place, `:unbuilt` while neither is known (offline).
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
