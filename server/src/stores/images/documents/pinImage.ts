import { nearest } from "@maxcloud/config-schema"
import { digestOf, documentBytes, TagList } from "@maxcloud/oci"
import { Effect, Schema } from "effect"
import { imageProblem } from "../ImageProblem.ts"
import { type Ask, type RegistrySession, refusal } from "../registry/RegistrySession.ts"
import { acceptsManifests } from "./registryContent.ts"

const mebibyte = 1024 * 1024
const digestGrammar = /^sha256:[a-f0-9]{64}$/

/** Suggests similar tags for one that doesn't exist. */
const hintOf = (tag: string, known: ReadonlyArray<string>) => {
  const meant = nearest(tag, known)
  if (meant !== undefined) return ` Did you mean "${meant}"?`
  if (known.length === 0) return " Push it, or check its spelling."
  const last = known.slice(-5).map((each) => `"${each.slice(0, 128)}"`)
  return ` It has ${last.join(", ")}${known.length > 5 ? " and others" : ""}.`
}

/** The error for a tag that doesn't exist, with suggestions. A registry needn't list its tags. */
const notFound = Effect.fn("Registry.notFound")(function* (ask: Ask, session: RegistrySession) {
  const { image } = session
  if (image.tag === undefined) {
    return yield* imageProblem(
      "ImageNotFound",
      `${image.registry} has no ${image.repository}@${image.digest}: it was deleted there, or never pushed. Push it again, or deploy an existing tag.`
    )
  }
  const known = yield* ask(session, {
    method: "GET",
    path: "tags/list?n=1000",
    accept: "application/json",
    maxBytes: mebibyte
  }).pipe(
    Effect.flatMap((found) => Schema.decodeUnknown(TagList)(found.status === 200 ? found.body.toString("utf8") : "")),
    Effect.map((found) => found.tags ?? []),
    Effect.orElseSucceed((): ReadonlyArray<string> => [])
  )
  return yield* imageProblem(
    "ImageNotFound",
    `${image.registry} has no tag "${image.tag}" of ${image.repository}.${hintOf(image.tag, known)}`
  )
})

/**
 * The present digest of a tag. Never cached: after a push and a deploy, users expect what they pushed. `HEAD` costs
 * registries little, and Docker Hub doesn't count it.
 */
export const resolveTag = Effect.fn("Registry.resolveTag")(function* (ask: Ask, session: RegistrySession, tag: string) {
  const question = { path: `manifests/${tag}`, accept: acceptsManifests, maxBytes: documentBytes }
  const head = yield* ask(session, { ...question, method: "HEAD" })
  if (head.status === 404) return yield* notFound(ask, session)
  if ([401, 403, 429].includes(head.status) || head.status >= 500) return yield* refusal(session, head)
  const said = head.headers["docker-content-digest"]
  if (head.status === 200 && typeof said === "string" && digestGrammar.test(said)) return said
  const answer = yield* ask(session, { ...question, method: "GET" })
  if (answer.status === 404) return yield* notFound(ask, session)
  if (answer.status !== 200) return yield* refusal(session, answer)
  return digestOf(answer.body)
})

/**
 * The present digest of the image's name, from its registry. It's also asked for a digest: can these credentials see it?
 */
export const pinImage = Effect.fn("Registry.pin")(function* (ask: Ask, session: RegistrySession) {
  const { digest, tag } = session.image
  if (digest === undefined) return yield* resolveTag(ask, session, tag ?? "latest")
  const head = yield* ask(session, {
    method: "HEAD",
    path: `manifests/${digest}`,
    accept: acceptsManifests,
    maxBytes: documentBytes
  })
  if (head.status === 404) return yield* notFound(ask, session)
  if (head.status !== 200) return yield* refusal(session, head)
  return digest
})
