import { type Descriptor, jsonOf } from "./documents.ts"

/** What an image was built from. */
export interface BuildRecord {
  /** The digest of the source snapshot. undefined if the folder wasn't built from one. */
  readonly source: string | undefined
  /** `Next.js`, `Python (FastAPI)`. */
  readonly kind: string
  readonly platform: string
  readonly parameters: Readonly<Record<string, unknown>>
  /** The version of max-cloud. */
  readonly version: string
}

export const provenanceType = "https://slsa.dev/provenance/v1"

/**
 * The provenance of an image: a statement of in-toto 1 with a predicate of SLSA 1.0, unsigned. It has no times and names nothing of this machine, so
 * that the same source has the same one.
 */
export const provenanceOf = (
  name: string,
  image: Pick<Descriptor, "digest">,
  base: { readonly name: string | undefined; readonly digest: string },
  { kind, parameters, platform, source, version }: BuildRecord
): Buffer => {
  const sha256 = (digest: string) => ({ sha256: digest.replace("sha256:", "") })
  return jsonOf({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name, digest: sha256(image.digest) }],
    predicateType: provenanceType,
    predicate: {
      buildDefinition: {
        buildType: "https://maxcloud.dev/build/source/v1",
        externalParameters: { ...parameters, platform },
        internalParameters: { kind },
        resolvedDependencies: [
          ...(source === undefined ? [] : [{ name: "source", digest: sha256(source) }]),
          {
            name: "base",
            ...(base.name === undefined ? {} : { uri: `docker://${base.name}@${base.digest}` }),
            digest: sha256(base.digest)
          }
        ]
      },
      runDetails: { builder: { id: "https://maxcloud.dev/build/local/v1", version: { maxcloud: version } } }
    }
  })
}
