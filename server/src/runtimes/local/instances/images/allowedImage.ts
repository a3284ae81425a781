import { existsSync } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DiagnosisCode } from "@maxcloud/sdk/api"
import { Cause, Effect, Exit, Schema } from "effect"
import type { ContainerEngine } from "../../../../base/host/containerEngine.ts"
import { pinOf } from "../../../../base/words/imageName.ts"
import type { ImageAccess } from "../../../../stores/images/ImageAccess.ts"
import { ImageProblem } from "../../../../stores/images/ImageProblem.ts"
import { ImagesError } from "../../../../stores/images/Images.ts"
import { isAway } from "../../../../stores/images/pulls/allowImage.ts"
import { InstanceFailed, type InstanceSpec } from "../Instance.ts"
import { cannotLaunch } from "../Launched.ts"
import { idOf, pullFailure, qualifiedImage } from "./image.ts"

type Access = typeof ImageAccess.Service
type Refusal = ImageProblem | ImagesError

/** `signal`: aborted when nobody wants the image any more, which cancels the pull. */
type Wanted = Pick<InstanceSpec, "organizationId" | "ownsMachine" | "onSystem" | "onPull"> & {
  readonly signal?: AbortSignal
  /** A pull begins. */
  readonly onPulling?: () => void
}

const isCode = Schema.is(DiagnosisCode)

const failureOf = (image: string, error: Refusal): InstanceFailed => {
  const [, code = "", text = error.message] = /^(\w+): (.*)$/s.exec(error.message) ?? []
  return new InstanceFailed({
    reason: isCode(code) ? code : "RegistryUnreachable",
    message: text.startsWith(image) ? `Image ${text}` : `Image ${image}: ${text}`,
    retryable: isAway(error),
    ...(error instanceof ImagesError && error.retryAfterMs !== undefined ? { retryAfterMs: error.retryAfterMs } : {})
  })
}

const isLimited = (error: Refusal) => error instanceof ImagesError && error.retryAfterMs !== undefined

const asPromise = async <A>(
  effect: Effect.Effect<A, Refusal>,
  signal: AbortSignal | undefined
): Promise<A | { readonly error: Refusal }> => {
  const exit = await Effect.runPromiseExit(Effect.either(effect), signal === undefined ? {} : { signal })
  if (Exit.isFailure(exit)) throw Cause.squash(exit.cause)
  return exit.value._tag === "Right" ? exit.value.right : { error: exit.value.left }
}

/** Loads an archive into the engine's store. */
const load = async (
  engine: ContainerEngine,
  archive: string,
  imageId: string,
  signal: AbortSignal
): Promise<string> => {
  const loaded = await engine.run(["load", "--quiet", "--input", archive], { signal })
  if (loaded.code !== 0)
    throw new Error(`The container engine couldn't load the image: ${loaded.stderr.trim().slice(-500)}`)
  const known = await idOf(engine, imageId)
  if (known !== undefined) return known
  // An engine that uses manifest digests as ids prints its own id.
  const [said] = /sha256:[0-9a-f]{64}/.exec(loaded.stdout) ?? []
  if (said === undefined) throw new Error("The container engine didn't report which image it has loaded.")
  return said
}

/** Asks the image's registry on behalf of the organization, and downloads the image if the organization doesn't have it yet. */
const fromRegistry = (
  engine: ContainerEngine,
  access: Access,
  image: string,
  given: string | undefined,
  wanted: Wanted
) =>
  asPromise(
    access.allow({
      organizationId: wanted.organizationId,
      image,
      imageId: given,
      platform: `linux/${engine.architecture}`,
      isInStore: async (id) => (await engine.run(["image", "inspect", "--format", "{{.Id}}", "--", id])).code === 0,
      load: (archive, id, signal) => load(engine, archive, id, signal),
      onPull: () => {
        wanted.onPulling?.()
        wanted.onSystem?.(`Pulling image ${qualifiedImage(image)}`)
      },
      onProgress: (line) => wanted.onPull?.(line)
    }),
    wanted.signal
  )

/** One pull by the engine. It reports its blobs but not their bytes. */
const enginePull = async (
  engine: ContainerEngine,
  image: string,
  logins: string,
  onBlob: () => void,
  signal: AbortSignal
): Promise<string> => {
  // Memory that is never written to disk, if the system has such a folder; `mkdtemp` keeps other users out.
  const folder = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "maxcloud-pull-"))
  const file = join(folder, "config.json")
  const name = qualifiedImage(image)
  try {
    await writeFile(file, logins, { mode: 0o600 })
    // Podman recognizes other transports by the name alone: `dir:1/x` would be a folder on this machine.
    const pulled = await engine.run(
      engine.name === "podman"
        ? ["pull", "--authfile", file, "--", `docker://${name}`]
        : ["--config", folder, "pull", "--quiet", "--", name],
      {
        signal,
        onStderr: (text) => {
          for (const _ of text.matchAll(/Copying blob /g)) onBlob()
        }
      }
    )
    const id = pulled.code === 0 ? await idOf(engine, name) : undefined
    if (id !== undefined) return id
    throw pullFailure(image, `${pulled.stdout}\n${pulled.stderr}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Converts it to a registry's error; `failureOf` converts it back. */
const toRefusal = (image: string, cause: unknown): Refusal => {
  const { message, reason, retryable } = cause instanceof InstanceFailed ? cause : cannotLaunch(cause)
  const text = `${reason}: ${message.replace(`Image ${image}: `, "")}`
  return retryable ? new ImagesError({ message: text }) : new ImageProblem({ message: text })
}

/**
 * The message if neither the server nor the engine could pull. The engine uses HTTPS even if the server may use plain HTTP. If a
 * registry hangs and the engine meets plain HTTP, that says nothing about the registry, which may recover.
 */
const unpulled = (image: string, own: Refusal, byEngine: InstanceFailed) =>
  isAway(own) && byEngine.reason === "RegistryUnreachable" && !byEngine.retryable ? failureOf(image, own) : byEngine

/**
 * Pulls with the engine itself, which knows its operator's mirrors and proxies, using the organization's own credentials or none.
 */
const byEngine = async (engine: ContainerEngine, access: Access, image: string, wanted: Wanted) => {
  const { organizationId, signal } = wanted
  const logins = await asPromise(access.authFile(organizationId, image), signal)
  if (typeof logins !== "string") throw failureOf(image, logins.error)
  const name = qualifiedImage(image)
  wanted.onPulling?.()
  wanted.onSystem?.(`Pulling image ${name}`)
  const pulled = await asPromise(
    access.pulls.pull(
      {
        key: `${organizationId} engine ${name}`,
        organization: organizationId,
        registry: name.slice(0, name.indexOf("/")),
        onProgress: (line) => wanted.onPull?.(line)
      },
      (tell) =>
        Effect.tryPromise({
          try: (ending) => {
            let blobs = 0
            return enginePull(engine, image, logins, () => tell({ step: "pulling", bytes: 0, blobs: ++blobs }), ending)
          },
          catch: (cause) => toRefusal(image, cause)
        })
    ),
    signal
  )
  return typeof pulled === "string" ? pulled : failureOf(image, pulled.error)
}

const gone = (image: string) =>
  new InstanceFailed({
    reason: "ImageNotFound",
    message: `Image ${image}: the image that this revision runs was removed from this machine. Build or pull it again, and deploy.`,
    retryable: false
  })

/**
 * For the owner of this machine and so of the engine's store: everything in the store is theirs, by name and by id. A tag may
 * have moved, so the registry is asked; its answer doesn't affect an image that is already here.
 */
const forOwner = async (
  engine: ContainerEngine,
  access: Access,
  image: string,
  given: string | undefined,
  wanted: Wanted
) => {
  if (given !== undefined && (await idOf(engine, given)) !== undefined) return given
  const name = qualifiedImage(image)
  const pin = pinOf(name)
  const isLocal = name.startsWith("localhost/") || name.startsWith("sha256:")
  const built = isLocal && pin !== undefined ? await idOf(engine, pin) : undefined
  if (built !== undefined) return built
  // Another image may have the name by now, and a revision never changes its image.
  const kept = pin === undefined ? given : undefined
  const here = kept === undefined ? await idOf(engine, name) : undefined
  if (here !== undefined && (isLocal || pin !== undefined)) return here
  if (isLocal)
    throw kept !== undefined || pin !== undefined || name.startsWith("sha256:") ? gone(image) : notBuilt(image)
  const allowed = await fromRegistry(engine, access, image, kept, wanted)
  if (!("error" in allowed)) {
    if (allowed.note !== undefined) wanted.onSystem?.(`${allowed.note} Running the image on this machine.`)
    return allowed.imageId
  }
  // The engine may trust another authority than the server, such as the system's. A registry that wants fewer requests isn't
  // asked through the engine instead.
  const asksEngine =
    (isAway(allowed.error) && !isLimited(allowed.error)) || allowed.error.message.startsWith("RegistryUntrusted: ")
  const pulled = asksEngine ? await byEngine(engine, access, image, wanted) : failureOf(image, allowed.error)
  if (typeof pulled === "string") {
    if (kept !== undefined && pulled !== kept) throw gone(image)
    return pulled
  }
  const failure = unpulled(image, allowed.error, pulled)
  if (here === undefined) throw failure
  wanted.onSystem?.(`${failure.message} Running the image on this machine.`)
  return here
}

const notBuilt = (image: string) =>
  new InstanceFailed({
    reason: "ImageNotFound",
    message: `Image ${image}: there is no such image on this machine, and localhost isn't a registry. Build it (\`podman build --tag ${image} .\`).`,
    retryable: false
  })

/** The id of the image that an instance runs, if its organization may run it. `given`: what its revision has run before. */
export const allowedImage = async (
  engine: ContainerEngine,
  access: Access,
  image: string,
  given: string | undefined,
  wanted: Wanted
): Promise<string> => {
  if (wanted.ownsMachine === true) return forOwner(engine, access, image, given, wanted)
  const allowed = await fromRegistry(engine, access, image, given, wanted)
  if ("error" in allowed) throw failureOf(image, allowed.error)
  if (allowed.note !== undefined) wanted.onSystem?.(`${allowed.note} Running the image, which was allowed before.`)
  return allowed.imageId
}
