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
export { type Challenge, parseChallenge } from "./registry/challenge.ts"
