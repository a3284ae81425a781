import { createHash } from "node:crypto"
import { nearest } from "@maxcloud/config-schema"
import type { ResolvedImage } from "@maxcloud/synth"
import { Effect, Option, Schema } from "effect"
import { pinnedReference, writeImageName } from "../../base/words/imageName.ts"
import type { ImageProblem } from "./ImageProblem.ts"
import { imageProblem } from "./ImageProblem.ts"
import type { ImagesError } from "./Images.ts"
import {
  ConfigDocument,
  configTypes,
  type IndexDocument,
  ManifestDocument,
  manifestTypes,
  TagList
} from "./imageDocuments.ts"
import { type ImageSettings, imageSettings } from "./imageSettings.ts"
import { portOfExposed } from "./portOfExposed.ts"
import { type Ask, type RegistrySession, refusal } from "./RegistrySession.ts"
import { Remembered } from "./Remembered.ts"

const accept = manifestTypes.join(", ")
const mebibyte = 1024 * 1024
/** What registries take at least (OCI distribution, "Pushing manifests"). */
const documentBytes = 4 * mebibyte
const digestGrammar = /^sha256:[a-f0-9]{64}$/

const digestOf = (body: Buffer) => `sha256:${createHash("sha256").update(body).digest("hex")}`

/** Numbers only: the kubelet cannot tell who a name is, and refuses it where root is refused. */
const isNonRoot = (user: string) => {
  const [id = ""] = user.split(":")
  return /^\d+$/.test(id) && Number(id) !== 0
}

const named = (session: RegistrySession) => writeImageName(session.image)

/** Registries hold charts, signatures and bills of materials, too. */
const otherKind = (session: RegistrySession, mediaType: string) =>
  imageProblem(
    "ImageInvalid",
    `${named(session)} isn't a container image (its type is ${mediaType.slice(0, 100)}). Name an image.`
  )

/** What a registry says of an image, and what the image asks for itself. */
export interface LookedUpImage extends ResolvedImage {
  readonly settings: ImageSettings
}

/** Looks images up: what they are now, by digest, and whether they run on a cluster's platforms (`linux/amd64`). */
export const makeRegistryClient = (ask: Ask) => {
  const images = new Remembered<LookedUpImage>(5000)

  /** Of a tag that is not there, what may have been meant. A registry need not list its tags. */
  const notFound = Effect.fn("Registry.notFound")(function* ({ image, ...session }: RegistrySession) {
    if (image.tag === undefined) {
      return yield* imageProblem(
        "ImageNotFound",
        `${image.registry} has no ${image.repository}@${image.digest}: it was deleted there, or it was never pushed. Push it again, or deploy a tag that is there.`
      )
    }
    const known = yield* ask(
      { image, ...session },
      { method: "GET", path: "tags/list?n=1000", accept: "application/json", maxBytes: mebibyte }
    ).pipe(
      Effect.flatMap((_) => Schema.decodeUnknown(TagList)(_.status === 200 ? _.body.toString("utf8") : "")),
      Effect.map((_) => _.tags ?? []),
      Effect.orElseSucceed((): ReadonlyArray<string> => [])
    )
    const meant = nearest(image.tag, known)
    const hint =
      meant !== undefined
        ? ` Did you mean "${meant}"?`
        : known.length > 0
          ? ` It has ${known
              .slice(-5)
              .map((_) => `"${_.slice(0, 128)}"`)
              .join(", ")}${known.length > 5 ? " and others" : ""}.`
          : " Push it, or look at how it is written."
    return yield* imageProblem(
      "ImageNotFound",
      `${image.registry} has no tag "${image.tag}" of ${image.repository}.${hint}`
    )
  })

  /**
   * The digest that a tag stands for now. Never remembered: whoever pushes and deploys at once means what was pushed. `HEAD` costs registries
   * little, and Docker Hub does not count it.
   */
  const resolveTag = Effect.fn("Registry.resolveTag")(function* (session: RegistrySession, tag: string) {
    const question = { path: `manifests/${tag}`, accept, maxBytes: documentBytes }
    const head = yield* ask(session, { ...question, method: "HEAD" })
    if (head.status === 404) return yield* notFound(session)
    if ([401, 403, 429].includes(head.status) || head.status >= 500) return yield* refusal(session, head)
    const said = head.headers["docker-content-digest"]
    if (head.status === 200 && typeof said === "string" && digestGrammar.test(said)) return said
    const answer = yield* ask(session, { ...question, method: "GET" })
    if (answer.status === 404) return yield* notFound(session)
    if (answer.status !== 200) return yield* refusal(session, answer)
    return digestOf(answer.body)
  })

  /** What is at a digest, checked to be just that. */
  const contentOf = Effect.fn("Registry.content")(function* (
    session: RegistrySession,
    kind: "manifests" | "blobs",
    digest: string
  ) {
    const answer = yield* ask(session, {
      method: "GET",
      path: `${kind}/${digest}`,
      accept: kind === "manifests" ? accept : "*/*",
      maxBytes: documentBytes
    })
    if (answer.status === 404) {
      return yield* imageProblem(
        "ImageNotFound",
        `${named(session)}: its registry does not have ${digest}. Push it again.`
      )
    }
    if (answer.status !== 200) return yield* refusal(session, answer)
    const found = digestOf(answer.body)
    if (found !== digest) {
      return yield* imageProblem(
        "ImageInvalid",
        `${named(session)}: its registry answers something else (${found}) for ${digest}. Something between changes it, or the registry is broken.`
      )
    }
    return answer.body.toString("utf8")
  })

  const manifestOf = (session: RegistrySession, digest: string) =>
    contentOf(session, "manifests", digest).pipe(
      Effect.flatMap((_) =>
        Effect.mapError(Schema.decodeUnknown(ManifestDocument)(_), () =>
          imageProblem(
            "ImageInvalid",
            `${named(session)} isn't a container image in a supported format (OCI, or Docker schema 2). Push it again with a current tool.`
          )
        )
      )
    )

  const configOf = Effect.fn("Registry.config")(function* (session: RegistrySession, digest: string) {
    const manifest = yield* manifestOf(session, digest)
    if (!("config" in manifest) || manifest.config === undefined) {
      return yield* imageProblem("ImageInvalid", `${named(session)}: a build in its index is an index itself.`)
    }
    const { config } = manifest
    if (!configTypes.includes(config.mediaType)) {
      return yield* otherKind(session, config.mediaType)
    }
    const text = yield* contentOf(session, "blobs", config.digest)
    return yield* Effect.mapError(Schema.decodeUnknown(ConfigDocument)(text), () =>
      imageProblem("ImageInvalid", `${named(session)}: its configuration cannot be read. Build and push it again.`)
    )
  })

  const wrongPlatform = (
    session: RegistrySession,
    built: ReadonlyArray<string>,
    missing: ReadonlyArray<string>,
    platforms: ReadonlyArray<string>
  ) =>
    imageProblem(
      "WrongPlatform",
      `${named(session)} is built for ${[...new Set(built)].join(", ") || "no platform"}, and the cluster has nodes of ${missing.join(", ")}. Build it with \`--platform ${platforms.join(",")}\` (\`docker buildx build --platform ${platforms.join(",")} --push …\`).`
    )

  /** Digests of the builds for these platforms. Builds for `unknown` are attestations. */
  const buildsOf = (session: RegistrySession, index: IndexDocument, platforms: ReadonlyArray<string>) => {
    const builds = index.manifests.flatMap(({ digest, platform }) =>
      platform === undefined || platform.os === "unknown"
        ? []
        : [{ digest, platform: `${platform.os}/${platform.architecture}` }]
    )
    const missing = platforms.filter((platform) => !builds.some((_) => _.platform === platform))
    return missing.length > 0
      ? wrongPlatform(
          session,
          builds.map((_) => _.platform),
          missing,
          platforms
        )
      : Effect.succeed(platforms.flatMap((platform) => builds.find((_) => _.platform === platform)?.digest ?? []))
  }

  const look = Effect.fn("Registry.look")(function* (
    session: RegistrySession,
    digest: string,
    platforms: ReadonlyArray<string>
  ) {
    const document = yield* manifestOf(session, digest)
    const builds =
      "manifests" in document && document.manifests !== undefined
        ? yield* buildsOf(session, document, platforms)
        : [digest]
    const configs = yield* Effect.forEach(builds, (_) => configOf(session, _), { concurrency: 2 })
    if (builds[0] === digest) {
      const built = configs.map((_) => `${_.os}/${_.architecture}`)
      const missing = platforms.filter((_) => !built.includes(_))
      if (missing.length > 0) return yield* wrongPlatform(session, built, missing, platforms)
    }
    return {
      ...describe(pinnedReference(session.image, digest), configs),
      ...(Option.isSome(session.credentials) ? { needsCredentials: true } : {})
    }
  })

  /** Names the index, not the build: so each node pulls its own. */
  const resolve = Effect.fn("Registry.resolve")(function* (session: RegistrySession, platforms: ReadonlyArray<string>) {
    const { digest, tag } = session.image
    const pinned = digest ?? (yield* resolveTag(session, tag ?? "latest"))
    const key = `${session.key}@${pinned} ${platforms.join(" ")}`
    const known = images.get(key)
    if (known !== undefined) return known
    const image = yield* look(session, pinned, platforms)
    images.set(key, image)
    return image
  }) satisfies (...args: never) => Effect.Effect<LookedUpImage, ImageProblem | ImagesError>

  /** The digest that the image's name stands for now, asked of its registry. It is asked for a digest too: may these credentials see it? */
  const pin = Effect.fn("Registry.pin")(function* (session: RegistrySession) {
    const { digest, tag } = session.image
    if (digest === undefined) return yield* resolveTag(session, tag ?? "latest")
    const head = yield* ask(session, { method: "HEAD", path: `manifests/${digest}`, accept, maxBytes: documentBytes })
    if (head.status === 404) return yield* notFound(session)
    if (head.status !== 200) return yield* refusal(session, head)
    return digest
  })

  /** The build of an image for one platform: its manifest, and its configuration as it is written, whose digest is the image's id. */
  const build = Effect.fn("Registry.build")(function* (session: RegistrySession, digest: string, platform: string) {
    const document = yield* manifestOf(session, digest)
    const isIndex = "manifests" in document && document.manifests !== undefined
    const [own = digest] = isIndex ? yield* buildsOf(session, document, [platform]) : []
    const manifest = isIndex ? yield* manifestOf(session, own) : document
    if (!("config" in manifest) || manifest.config === undefined) {
      return yield* imageProblem("ImageInvalid", `${named(session)}: a build in its index is an index itself.`)
    }
    if (!configTypes.includes(manifest.config.mediaType)) {
      return yield* otherKind(session, manifest.config.mediaType)
    }
    const config = yield* contentOf(session, "blobs", manifest.config.digest)
    const { architecture, os } = yield* Effect.mapError(Schema.decodeUnknown(ConfigDocument)(config), () =>
      imageProblem("ImageInvalid", `${named(session)}: its configuration cannot be read. Build and push it again.`)
    )
    if (`${os}/${architecture}` !== platform) {
      return yield* imageProblem(
        "WrongPlatform",
        `${named(session)} is for ${os}/${architecture}, and this machine is ${platform}.`
      )
    }
    return { imageId: manifest.config.digest, config, manifest }
  })

  return { resolve, pin, build }
}

/** What holds for each build of an image. */
const describe = (reference: string, configs: ReadonlyArray<ConfigDocument>): LookedUpImage => {
  const { Healthcheck, Volumes } = configs[0]?.config ?? {}
  const exposed = Object.keys(configs[0]?.config?.ExposedPorts ?? {})
  return {
    reference,
    nonRoot: configs.every((_) => isNonRoot(_.config?.User ?? "")),
    port: exposed.length === 0 ? undefined : portOfExposed(exposed),
    settings: imageSettings(Healthcheck, Volumes)
  }
}
