import { join } from "node:path"
import { Effect, Layer } from "effect"
import { makeEngineFinder } from "../../../base/host/containerEngine.ts"
import { dataDirectoryId } from "../../../base/host/dataDirectoryId.ts"
import { sourceUsers } from "../../../base/host/sourceUser.ts"
import { ImageAccess } from "../../../stores/images/ImageAccess.ts"
import { ImageStandIns } from "../../../stores/images/ImageStandIns.ts"
import { SourceStore } from "../../../stores/sources/SourceStore.ts"
import { makeContainers } from "./containers/containers.ts"
import { makeNamespaceNetworks, type NamespaceNetworks } from "./containers/namespaceNetworks.ts"
import { makeContainerStart, uninterruptibly } from "./containers/startContainer.ts"
import { type InstanceFailed, type InstanceSpec, Instances } from "./Instance.ts"
import { type InstanceRecords, makeInstanceRecords } from "./InstanceRecords.ts"
import { type Launched, toFailure } from "./Launched.ts"
import { supervise } from "./probes/supervise.ts"
import type { Development } from "./processes/Development.ts"
import { placeOf } from "./processes/inPlace.ts"
import { makeProcesses } from "./processes/processes.ts"
import { buildOf, isBuildWhole } from "./processes/snapshotBuild.ts"
import { launchStandIn, standInHint, unasked } from "./processes/standIn.ts"

export interface InstancesOptions {
  readonly dataDirectory: string
  /** The server's environment, used only for the container engine's client. @default process.env */
  readonly environment?: NodeJS.ProcessEnv
  /** Set in the process of `maxcloud dev`. */
  readonly development?: Development | undefined
}

/** The processes and containers of this machine, recorded in the data folder. */
const openMachine = async (dataDirectory: string, environment: NodeJS.ProcessEnv) => {
  const id = await dataDirectoryId(dataDirectory)
  const records = makeInstanceRecords(join(dataDirectory, "instances"))
  const own = { dataDirectory, dataDirectoryId: id, records }
  return {
    records,
    processes: await makeProcesses({ ...own, users: sourceUsers(dataDirectory) }),
    containers: makeContainers({ ...own, environment }),
    networks: makeNamespaceNetworks(id, dataDirectory)
  }
}

const make = ({ dataDirectory, development, environment = process.env }: InstancesOptions) =>
  Effect.gen(function* () {
    const sources = yield* SourceStore
    const access = yield* ImageAccess
    const standInOf = yield* ImageStandIns
    const { containers, networks, processes, records } = yield* Effect.tryPromise({
      try: () => openMachine(dataDirectory, environment),
      catch: toFailure
    })
    const detect = engineFinder(environment, standInOf === undefined ? "" : ` ${standInHint}`)
    const engine = async () => {
      const detected = await detect()
      return "engine" in detected ? detected.engine : undefined
    }
    const container = makeContainerStart(detect, containers, networks, access)

    const superviseProcess = (spec: InstanceSpec, launch: () => Promise<Launched>) =>
      uninterruptibly(() => supervise(spec, launch, () => processes.forget(spec.id)))

    const start = Effect.fn("Instances.start")(function* (spec: InstanceSpec) {
      if (!/^[A-Za-z0-9_-]{1,100}$/.test(spec.id)) return yield* Effect.die(new Error(`Not an instance id: ${spec.id}`))
      const { program } = spec
      const built = program.kind === "snapshot" ? yield* buildOf(sources, spec, program) : undefined
      if (built !== undefined && "image" in built) {
        const inside = spec.inContainer === undefined ? spec : { ...spec, ...(yield* spec.inContainer) }
        return yield* container.ofBuilt(inside, built.image)
      }
      if (program.kind === "image") {
        const { image, resolved } = program
        const standIn = standInOf?.(image)
        if (standIn === undefined) return yield* container.ofImage(spec, image, resolved)
        return yield* superviseProcess(unasked(spec, standIn), () => launchStandIn(processes, spec, image, standIn))
      }
      return yield* superviseProcess(spec, async () => {
        const place = built ?? (program.kind === "directory" ? await placeOf(program, development) : { folder: "" })
        return processes.launch(spec, place)
      })
    })

    return Instances.of({
      start,
      standInOf: (image) => {
        const standIn = standInOf?.(image)
        return standIn && (typeof standIn === "function" ? "function" : "command")
      },
      isWhole: ({ program, ...spec }) =>
        program.kind === "snapshot" ? isBuildWhole(sources, spec, program) : Effect.succeed(true),
      missing: (kind, owner) => (kind === "image" ? missingEngine(detect, networks, owner) : missingSystem),
      containerHost: (owner) =>
        Effect.tryPromise({
          try: async () => {
            const found = await engine()
            return found === undefined ? undefined : await networks.of(found, owner)
          },
          catch: toFailure
        }),
      removeNamespace: (owner) =>
        Effect.promise(async () => {
          if (!networks.some()) return
          const found = await engine()
          if (found !== undefined) await networks.remove(found, owner)
        }),
      clean: Effect.promise(async () => {
        const ended = await processes.clean()
        return ended + (await containers.clean(engine, networks))
      }).pipe(Effect.tap(() => warnOfDamage(records)))
    })
  })

/** Finds the container engine. `hint` is appended to the message that there is none. */
const engineFinder = (environment: NodeJS.ProcessEnv, hint: string): ReturnType<typeof makeEngineFinder> => {
  const find = makeEngineFinder(environment)
  return async () => {
    const found = await find()
    return "missing" in found && found.fault !== true ? { ...found, missing: `${found.missing}${hint}` } : found
  }
}

/** Why no image runs here. A temporary fault doesn't count: the start will report it. */
const missingEngine = (
  detect: ReturnType<typeof makeEngineFinder>,
  networks: NamespaceNetworks,
  owner: Parameters<NamespaceNetworks["refusal"]>[1]
) =>
  Effect.promise(async () => {
    const detected = await detect()
    if ("missing" in detected) return detected.fault === true ? undefined : detected.missing
    return networks.refusal(detected.engine, owner)?.message
  })

const missingSystem = Effect.sync(() =>
  process.platform === "win32" ? "Sources run as processes of Linux or macOS. On Windows, use WSL 2." : undefined
)

const warnOfDamage = (records: InstanceRecords) =>
  records.damaged() === 0
    ? Effect.void
    : Effect.logWarning(
        `${records.damaged()} instance records in ${records.folder} were damaged. Their leftovers were found by marks on the processes and containers instead.`
      )

/** Instances as processes of this machine and containers of its podman or docker, recorded in the data folder. */
export const layer = (options: InstancesOptions): Layer.Layer<Instances, InstanceFailed, SourceStore | ImageAccess> =>
  Layer.effect(Instances, make(options))
