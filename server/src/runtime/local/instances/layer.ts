import { join } from "node:path"
import { SourceDigest } from "@maxcloud/config-schema"
import { Effect, Layer, Schema } from "effect"
import { ImageAccess } from "../../../images/ImageAccess.ts"
import { SourceError, SourceStore } from "../sources/SourceStore.ts"
import { allowedImage } from "./allowedImage.ts"
import { type ContainerEngine, detectContainerEngine } from "./containerEngine.ts"
import { makeContainers } from "./containers.ts"
import { dataDirectoryId } from "./dataDirectoryId.ts"
import { InstanceFailed, type InstanceSpec, Instances } from "./Instance.ts"
import { makeInstanceRecords } from "./InstanceRecords.ts"
import { type ImageConfig, imageConfig } from "./imageConfig.ts"
import { makeNamespaceNetworks } from "./namespaceNetworks.ts"
import { makeProcesses, type ProgramPlace } from "./processes.ts"
import { makeRevisionImages } from "./revisionImages.ts"
import { sourceUsers } from "./sourceUser.ts"
import { cannotLaunch, supervise } from "./supervise.ts"

export interface InstancesOptions {
  readonly dataDirectory: string
  /** The server's environment, for the container engine's client alone. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
}

/** How long an engine that was not there is taken to be still away. */
const missingForMs = 5_000

const reasons: Partial<Record<SourceError["reason"], string>> = {
  unavailable: "SourceUnavailable",
  build: "BuildFailed"
}

const toFailure = (cause: unknown) => (cause instanceof InstanceFailed ? cause : cannotLaunch(cause))

/** Looks for the engine once it is needed; what is found is kept, what is missing is looked for again. */
const makeEngine = (environment: NodeJS.ProcessEnv) => {
  let asked: { readonly at: number; readonly answer: ReturnType<typeof detectContainerEngine> } | undefined
  return async () => {
    if (asked !== undefined && "missing" in (await asked.answer) && Date.now() - asked.at > missingForMs)
      asked = undefined
    asked ??= { at: Date.now(), answer: detectContainerEngine(environment) }
    return asked.answer
  }
}

/** Instances as processes of this machine and containers of its podman or docker, recorded in the data folder. */
export const layer = (options: InstancesOptions): Layer.Layer<Instances, InstanceFailed, SourceStore | ImageAccess> =>
  Layer.effect(
    Instances,
    Effect.gen(function* () {
      const sources = yield* SourceStore
      const environment = options.environment ?? process.env
      const { processes, containers, networks } = yield* Effect.tryPromise({
        try: async () => {
          const id = await dataDirectoryId(options.dataDirectory)
          const records = makeInstanceRecords(join(options.dataDirectory, "instances"))
          return {
            processes: await makeProcesses({
              dataDirectory: options.dataDirectory,
              dataDirectoryId: id,
              records,
              users: sourceUsers(options.dataDirectory)
            }),
            containers: makeContainers({
              dataDirectory: options.dataDirectory,
              dataDirectoryId: id,
              records,
              environment
            }),
            networks: makeNamespaceNetworks(id, options.dataDirectory)
          }
        },
        catch: toFailure
      })
      const detect = makeEngine(environment)
      const configs = new Map<string, Promise<ImageConfig>>()
      const configOf = (engine: ContainerEngine, id: string, name: string) => {
        const known = configs.get(id) ?? imageConfig(engine, id, name)
        configs.set(id, known)
        known.catch(() => configs.delete(id))
        return known
      }
      const access = yield* ImageAccess
      const ofRevision = makeRevisionImages()

      const startProcess = (spec: InstanceSpec, place: ProgramPlace) =>
        supervise(
          spec,
          () => processes.launch(spec, place),
          () => processes.forget(spec.id)
        )

      const startContainer = async (spec: InstanceSpec, image: string, given: string | undefined) => {
        const detected = await detect()
        if ("missing" in detected)
          throw new InstanceFailed({ reason: "NoContainerEngine", message: detected.missing, retryable: false })
        const { engine } = detected
        const revision = [spec.organizationId, spec.namespace, spec.service, spec.revision, image].join("\0")
        const id = await ofRevision(revision, given, (known) => allowedImage(engine, access, image, known, spec))
        const config = await configOf(engine, id, image)
        const port = spec.port === "auto" ? config.port : spec.port
        const { runArgs } = await networks.of(engine, spec)
        return supervise(
          spec,
          () => containers.launch(engine, spec, { ...config, name: image, id, port }, runArgs),
          () => containers.forget(spec.id),
          id
        )
      }

      const start = Effect.fn("Instances.start")(function* (spec: InstanceSpec) {
        if (!/^[A-Za-z0-9_-]{1,100}$/.test(spec.id))
          return yield* Effect.die(new Error(`Not an id of an instance: ${spec.id}`))
        const { program } = spec
        const place: ProgramPlace | undefined =
          program.kind === "snapshot"
            ? yield* Schema.decodeUnknown(SourceDigest)(program.digest).pipe(
                Effect.mapError(() => new SourceError({ reason: "invalid", message: `No digest: ${program.digest}` })),
                Effect.flatMap((digest) =>
                  sources.built(
                    spec.organizationId,
                    { digest, package: program.package, build: program.build, hasCommand: spec.command !== undefined },
                    spec.onBuild
                  )
                ),
                Effect.mapError(
                  (error) =>
                    new InstanceFailed({
                      reason: reasons[error.reason] ?? "SourceInvalid",
                      message: error.message,
                      retryable: error.reason === "unavailable"
                    })
                )
              )
            : program.kind === "directory"
              ? { folder: program.directory }
              : undefined
        // Uninterruptible: what was spawned must come to the caller, who alone stops it.
        return yield* Effect.tryPromise({
          try: () =>
            program.kind === "image"
              ? startContainer(spec, program.image, program.resolved)
              : startProcess(spec, place ?? { folder: "" }),
          catch: toFailure
        }).pipe(Effect.uninterruptible)
      })

      return {
        start,
        missing: (kind, owner) =>
          kind === "image"
            ? Effect.promise(async () => {
                const detected = await detect()
                return "missing" in detected ? detected.missing : networks.refusal(detected.engine, owner)?.message
              })
            : Effect.succeed(
                process.platform === "win32"
                  ? "Sources run as processes of Linux or macOS: use WSL 2 on Windows."
                  : undefined
              ),
        containerHost: (owner) =>
          Effect.tryPromise({
            try: async () => {
              const detected = await detect()
              return "engine" in detected ? await networks.of(detected.engine, owner) : undefined
            },
            catch: toFailure
          }),
        removeNamespace: (owner) =>
          Effect.promise(async () => {
            if (!networks.some()) return
            const detected = await detect()
            if ("engine" in detected) await networks.remove(detected.engine, owner)
          }),
        clean: Effect.promise(async () => {
          const ended = await processes.clean()
          const removed = await containers.clean(async () => {
            const detected = await detect()
            return "engine" in detected ? detected.engine : undefined
          }, networks)
          return ended + removed
        })
      }
    })
  )
