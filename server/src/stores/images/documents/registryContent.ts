import { decodeUtf8 } from "@maxcloud/config-schema/plain"
import { ConfigDocument, configTypes, digestOf, documentBytes, ManifestDocument, manifestTypes } from "@maxcloud/oci"
import { Effect, Schema } from "effect"
import { writeImageName } from "../../../base/words/imageName.ts"
import { imageProblem } from "../ImageProblem.ts"
import { type Ask, type RegistrySession, refusal } from "../registry/RegistrySession.ts"

export const acceptsManifests = manifestTypes.join(", ")
export const named = (session: RegistrySession) => writeImageName(session.image)

/** Registries also store charts, signatures and bills of materials. */
const otherKind = (session: RegistrySession, mediaType: string) =>
  imageProblem(
    "ImageInvalid",
    `${named(session)} isn't a container image (its type is ${mediaType.slice(0, 100)}). Name an image.`
  )

/** Gets the content of a digest, and verifies it. */
const contentOf = Effect.fn("Registry.content")(function* (
  ask: Ask,
  session: RegistrySession,
  kind: "manifests" | "blobs",
  digest: string
) {
  const answer = yield* ask(session, {
    method: "GET",
    path: `${kind}/${digest}`,
    accept: kind === "manifests" ? acceptsManifests : "*/*",
    maxBytes: documentBytes
  })
  if (answer.status === 404) {
    return yield* imageProblem(
      "ImageNotFound",
      `${named(session)}: its registry doesn't have ${digest}. Push it again.`
    )
  }
  if (answer.status !== 200) return yield* refusal(session, answer)
  const found = digestOf(answer.body)
  if (found !== digest) {
    return yield* imageProblem(
      "ImageInvalid",
      `${named(session)}: its registry returns something else (${found}) for ${digest}. Something in between changes it, or the registry is broken.`
    )
  }
  const decoded = decodeUtf8(answer.body)
  if ("text" in decoded) return decoded.text
  return yield* imageProblem("ImageInvalid", `${named(session)}: ${digest} isn't UTF-8. Build the image again.`)
})

export const manifestOf = (ask: Ask, session: RegistrySession, digest: string) =>
  contentOf(ask, session, "manifests", digest).pipe(
    Effect.flatMap((found) =>
      Effect.mapError(Schema.decodeUnknown(ManifestDocument)(found), () =>
        imageProblem(
          "ImageInvalid",
          `${named(session)} isn't a container image in a supported format (OCI, or Docker schema 2). Push it again with a current tool.`
        )
      )
    )
  )

/** The manifest of one build, and its configuration both as bytes (their digest is the image's id) and decoded. */
export const configOf = Effect.fn("Registry.config")(function* (
  ask: Ask,
  session: RegistrySession,
  manifest: ManifestDocument
) {
  if (!("config" in manifest) || manifest.config === undefined) {
    return yield* imageProblem("ImageInvalid", `${named(session)}: a build in its index is an index itself.`)
  }
  const { digest, mediaType } = manifest.config
  if (!configTypes.includes(mediaType)) return yield* otherKind(session, mediaType)
  const text = yield* contentOf(ask, session, "blobs", digest)
  const config = yield* Effect.mapError(Schema.decodeUnknown(ConfigDocument)(text), () =>
    imageProblem("ImageInvalid", `${named(session)}: its configuration can't be read. Build and push it again.`)
  )
  return { manifest, text, config }
})
