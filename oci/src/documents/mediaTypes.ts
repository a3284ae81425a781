export const ociIndex = "application/vnd.oci.image.index.v1+json"
export const ociManifest = "application/vnd.oci.image.manifest.v1+json"
export const ociConfig = "application/vnd.oci.image.config.v1+json"
export const ociLayer = "application/vnd.oci.image.layer.v1.tar"

export const indexTypes: ReadonlyArray<string> = [ociIndex, "application/vnd.docker.distribution.manifest.list.v2+json"]
const imageManifestTypes: ReadonlyArray<string> = [ociManifest, "application/vnd.docker.distribution.manifest.v2+json"]

/** What a registry may answer for a tag: indexes, and manifests of single images. */
export const manifestTypes: ReadonlyArray<string> = [...indexTypes, ...imageManifestTypes]

export const configTypes: ReadonlyArray<string> = [ociConfig, "application/vnd.docker.container.image.v1+json"]

/** Docker's first format of manifests, which names its layers in another way, and which registries have given up. */
export const isSchema1 = (mediaType: string) =>
  /^application\/vnd\.docker\.distribution\.manifest\.v1\+/.test(mediaType)

/** Layers that may not be put into a registry: bases of Windows images. */
export const isForeignLayer = (mediaType: string) => /\.foreign\.|\.nondistributable\./.test(mediaType)
