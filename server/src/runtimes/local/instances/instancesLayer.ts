import { join } from "node:path"
import { defaultPort, SourceDigest } from "@maxcloud/config-schema"
import type { DiagnosisCode } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { type ContainerEngine, makeEngineFinder } from "../../../base/host/containerEngine.ts"
import { dataDirectoryId } from "../../../base/host/dataDirectoryId.ts"
import { sourceUsers } from "../../../base/host/sourceUser.ts"
import { ImageAccess } from "../../../stores/images/ImageAccess.ts"
import { SourceError, SourceStore, type SourceToBuild } from "../../../stores/sources/SourceStore.ts"
import { allowedImage } from "./allowedImage.ts"
import { makeContainers, type RunnableImage } from "./containers.ts"
import type { Development } from "./Development.ts"
import { type Instance, InstanceFailed, type InstanceSpec, Instances } from "./Instance.ts"
import { makeInstanceRecords } from "./InstanceRecords.ts"
import { type ImageConfig, imageConfig } from "./imageConfig.ts"
import { placeOf } from "./inPlace.ts"
import { makeNamespaceNetworks } from "./namespaceNetworks.ts"
import { makeProcesses, type ProgramPlace } from "./processes.ts"
import { makeRevisionImages } from "./revisionImages.ts"
import { cannotLaunch, supervise } from "./supervise.ts"

export interface InstancesOptions {
  readonly dataDirectory: string
  /** The server's environment, for the container engine's client alone. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
  /** In the process of `maxcloud dev`. */
  readonly development?: Development | undefined
}

type Snapshot = Extract<InstanceSpec["program"], { readonly kind: "snapshot" }>

const reasons: Readonly<Record<SourceError["reason"], DiagnosisCode>> = {
  unavailable: "CannotStart",
  build: "BuildFailed",
  invalid: "SourceInvalid",
  tooLarge: "SourceInvalid",
  overQuota: "SourceInvalid",
  diskFull: "CannotStart"
}

const toFailure = (cause: unknown) => (cause instanceof InstanceFailed ? cause : cannotLaunch(cause))

/** Instances as processes of this machine and containers of its podman or docker, recorded in the data folder. */
export const layer = (options: InstancesOptions): Layer.Layer<Instances, InstanceFailed, SourceStore | ImageAccess> =>
  Layer.effect(
    Instances,
    Effect.gen(function* () {
      const sources = yield* SourceStore
      const environment = options.environment ?? process.env
      const { processes, containers, networks, records } = yield* Effect.tryPromise({
        try: async () => {
          const id = await dataDirectoryId(options.dataDirectory)
          const records = makeInstanceRecords(join(options.dataDirectory, "instances"))
          return {
            records,
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
      const detect = makeEngineFinder(environment)
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

      const engineOf = async () => {
        const detected = await detect()
        if ("engine" in detected) return detected.engine
        const { fault = false, missing } = detected
        throw new InstanceFailed({
          reason: fault ? "CannotStart" : "NoContainerEngine",
          message: fault ? `The instance couldn't be started. ${missing}` : missing,
          retryable: fault
        })
      }

      /** Nothing of the instance is there while its image is pulled: who no longer wants it need not wait for that. */
      const imageOf = (spec: InstanceSpec, image: string, given: string | undefined) => {
        const revision = [spec.organizationId, spec.namespace, spec.service, spec.revision, image].join("\0")
        const found = Effect.tryPromise({
          try: async (signal) => {
            const engine = await engineOf()
            const find = (known: string | undefined) => allowedImage(engine, access, image, known, { ...spec, signal })
            return { engine, id: await ofRevision(revision, given, signal, find) }
          },
          catch: toFailure
        })
        const { apart = (effect) => effect } = spec
        return Effect.interruptible(apart(found)).pipe(Effect.ensuring(Effect.sync(() => spec.onPull?.(undefined))))
      }

      const startContainer = async (spec: InstanceSpec, image: string, engine: ContainerEngine, id: string) => {
        const config = await configOf(engine, id, image)
        const ports = spec.port === "auto" ? config.ports : ([spec.port] as const)
        return runContainer(engine, spec, { ...config, name: image, id, ports })
      }

      const runContainer = async (engine: ContainerEngine, spec: InstanceSpec, image: RunnableImage) => {
        const { runArgs } = await networks.of(engine, spec)
        return supervise(
          spec,
          () => containers.launch(engine, spec, image, runArgs),
          () => containers.forget(spec.id),
          image.id
        )
      }

      /** An image of the service's own Dockerfile. It listens where that says, unless the config has a port of its own. */
      const startBuiltImage = async (spec: InstanceSpec, id: string) => {
        const engine = await engineOf()
        const name = "Dockerfile"
        const config = await configOf(engine, id, name)
        const ports = spec.port === "auto" || spec.port === defaultPort ? config.ports : ([spec.port] as const)
        return runContainer(engine, spec, { ...config, name, id, ports })
      }

      // Uninterruptible: what was spawned must come to the caller, who alone stops it.
      const uninterruptibly = (launch: () => Promise<Instance>) =>
        Effect.tryPromise({ try: launch, catch: toFailure }).pipe(Effect.uninterruptible)

      const sourceOf = (
        { care, command }: Pick<InstanceSpec, "care" | "command">,
        { build, digest, package: inside }: Snapshot
      ): Effect.Effect<SourceToBuild, SourceError> =>
        Schema.decodeUnknown(SourceDigest)(digest).pipe(
          Effect.mapBoth({
            onFailure: () => new SourceError({ reason: "invalid", message: `No digest: ${digest}` }),
            onSuccess: (known) => ({ digest: known, package: inside, build, hasCommand: command !== undefined, care })
          })
        )

      const buildOf = (spec: InstanceSpec, program: Snapshot) =>
        sourceOf(spec, program).pipe(
          Effect.flatMap((source) => sources.built(spec.organizationId, source, spec.onBuild)),
          // Nothing of the instance is there yet: who no longer wants it need not wait for its build.
          Effect.interruptible,
          Effect.mapError(
            (error) =>
              new InstanceFailed({
                reason: reasons[error.reason],
                message: error.message,
                retryable: error.reason === "unavailable" || error.reason === "diskFull"
              })
          )
        )

      const start = Effect.fn("Instances.start")(function* (spec: InstanceSpec) {
        if (!/^[A-Za-z0-9_-]{1,100}$/.test(spec.id))
          return yield* Effect.die(new Error(`Not an id of an instance: ${spec.id}`))
        const { program } = spec
        const built = program.kind === "snapshot" ? yield* buildOf(spec, program) : undefined
        if (built !== undefined && "image" in built) {
          const inside = spec.inContainer === undefined ? spec : { ...spec, ...(yield* spec.inContainer) }
          return yield* uninterruptibly(() => startBuiltImage(inside, built.image))
        }
        if (program.kind === "image") {
          const { engine, id } = yield* imageOf(spec, program.image, program.resolved)
          return yield* uninterruptibly(() => startContainer(spec, program.image, engine, id))
        }
        return yield* uninterruptibly(async () =>
          startProcess(
            spec,
            built ?? (program.kind === "directory" ? await placeOf(program, options.development) : { folder: "" })
          )
        )
      })

      return {
        start,
        isWhole: ({ program, ...spec }) =>
          program.kind === "snapshot"
            ? sourceOf(spec, program).pipe(
                Effect.flatMap((source) => sources.isWhole(spec.organizationId, source)),
                // Whoever starts it will say what is the matter.
                Effect.orElseSucceed(() => true)
              )
            : Effect.succeed(true),
        missing: (kind, owner) =>
          kind === "image"
            ? Effect.promise(async () => {
                const detected = await detect()
                if ("missing" in detected) return detected.fault === true ? undefined : detected.missing
                return networks.refusal(detected.engine, owner)?.message
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
        }).pipe(
          Effect.tap(() =>
            records.damaged() === 0
              ? Effect.void
              : Effect.logWarning(
                  `${records.damaged()} records of instances in ${records.folder} were damaged. What an earlier server left of them was found by its marks instead.`
                )
          )
        )
      }
    })
  )
