export { Digest, digestOf } from "./documents/digest.ts"
export {
  type BuildDocument,
  ConfigDocument,
  documentBytes,
  Healthcheck,
  type IndexDocument,
  imageBytes,
  Layers,
  ManifestDocument,
  RootFs,
  TagList,
  unpackedBytes,
  Volumes
} from "./documents/imageDocuments.ts"
export { configTypes, manifestTypes } from "./documents/mediaTypes.ts"
export { OciError, type OciReason, ociError } from "./OciError.ts"
export { certificateFault } from "./registry/certificateFault.ts"
export { type Challenge, parseChallenge } from "./registry/challenge.ts"
export { hasManifest } from "./registry/hasManifest.ts"
export { type PushEvent, pushImage } from "./registry/pushImage.ts"
export type { Authorize, Registry } from "./registry/RegistryClient.ts"
export type { Image } from "./sources/Image.ts"
export { openImage } from "./sources/openImage.ts"
export type { LayerMemory, PackedLayer } from "./sources/packLayer.ts"
