/** What a registry may answer for a tag: indexes, and manifests of single images. */
export const manifestTypes: ReadonlyArray<string> = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json"
]

export const configTypes: ReadonlyArray<string> = [
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json"
]
