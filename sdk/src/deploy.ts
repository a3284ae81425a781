import { resolve } from "node:path"
import {
  type AppSpec,
  type AppSpecEncoded,
  encodeAppSpec,
  parseAppSpec,
  productionStage,
  type ServiceName,
  type StageName
} from "@maxcloud/config-schema"
import { Effect, Either, Predicate, Stream } from "effect"
import { type Deployment, type DeploymentEvent, type DeploymentId, InvalidSpec, inBody } from "./api/index.ts"
import { askAgain } from "./askAgain.ts"
import type { Connection } from "./connection.ts"
import { type Described, parseDescribed } from "./described.ts"
import {
  type CallError,
  ConfigInvalid,
  DeploymentCancelled,
  DeploymentFailed,
  DeploymentSuperseded,
  type DeploymentUnsuccessful,
  type SourceInvalid
} from "./errors.ts"
import type { LoadedConfig } from "./loadConfig.ts"
import type { OptionNames } from "./options.ts"
import { parseOptions, parseStage } from "./parse.ts"
import { type Snapshot, type SnapshotCut, snapshotOf, sourceFields } from "./snapshot.ts"
import { runsAsImage } from "./source/runsAsImage.ts"
import { uploadsOf } from "./uploads.ts"

export interface DeployOptions extends Described {
  /** @default the loaded config's own, else "production" */
  readonly stage?: string | undefined
  /** The folder that relative source paths start from. @default the config's folder, else the process's own */
  readonly folder?: string | undefined
  /** Two deploys with the same key are one. @default a new one each time */
  readonly idempotencyKey?: string | undefined
  /** End with `accepted`, without watching the deployment. @default false */
  readonly detach?: boolean | undefined
  /** Runs sources from their folders as they are, nothing is uploaded but a folder that only has a Dockerfile: for a server on this machine that allows it. @default false */
  readonly inPlace?: boolean | undefined
  /** Take over fields that another manager has set on the app's objects in the cluster. Otherwise such a conflict fails the deploy. @default false */
  readonly forceConflicts?: boolean | undefined
  /** Called with the contents of each source after it was read and before anything is sent. */
  readonly onSources?: ((sources: ReadonlyArray<SourceReport>) => void) | undefined
}

/** The files that are sent for the source of some services. */
export interface SourceReport {
  readonly services: ReadonlyArray<ServiceName>
  /** Absolute: the source folder, or the root of the workspace that it was cut from. */
  readonly folder: string
  readonly files: number
  /** Unpacked. */
  readonly bytes: number
  readonly cut?: SnapshotCut
  /** Files that are left out because they are secret by convention. */
  readonly leftOut: ReadonlyArray<string>
}

/** The progress of a deploy. */
export type DeployProgress =
  | {
      readonly _tag: "uploading"
      readonly services: ReadonlyArray<ServiceName>
      readonly folder: string
      readonly digest: string
      readonly files: number
      /** Unpacked. */
      readonly bytes: number
    }
  | { readonly _tag: "accepted"; readonly deployment: Deployment }
  | { readonly _tag: "event"; readonly event: DeploymentEvent }
  | { readonly _tag: "finished"; readonly deployment: Deployment }

export type PlanError = CallError | SourceInvalid
export type DeployError = PlanError | ConfigInvalid

type Api = Effect.Effect.Success<Connection["api"]>

const sourceOf = (
  services: ReadonlyArray<ServiceName>,
  { bytes, cut, files, folder, leftOut }: Snapshot
): SourceReport => ({
  services,
  folder,
  files,
  bytes,
  ...(cut === undefined ? {} : { cut }),
  leftOut
})

interface Prepared {
  readonly described: Effect.Effect.Success<ReturnType<typeof parseDescribed>>
  readonly spec: AppSpec
  readonly stage: StageName
  readonly options: DeployOptions
  readonly snapshots: ReadonlyArray<{ readonly services: ReadonlyArray<ServiceName>; readonly snapshot: Snapshot }>
}

const isLoaded = (app: LoadedConfig | AppSpecEncoded): app is LoadedConfig => Predicate.hasProperty(app, "locate")

const deployOptions: OptionNames<DeployOptions> = {
  stage: true,
  folder: true,
  idempotencyKey: true,
  detach: true,
  inPlace: true,
  forceConflicts: true,
  message: true,
  metadata: true,
  onSources: true
}

/** The AppSpec with each source's digest, or its absolute folder where it is to run in place. */
const prepare = Effect.fn("MaxCloud.prepare")(function* (
  app: LoadedConfig | AppSpecEncoded,
  given: DeployOptions | undefined
) {
  const options: DeployOptions = yield* parseOptions<DeployOptions>(given, deployOptions)
  const loaded = isLoaded(app) ? app : undefined
  const [assumed] = loaded?.assumed ?? []
  if (assumed !== undefined) {
    const detail = `The config reads \`${assumed}\`, and no server was asked for it when it was loaded. Give loadConfig the ${assumed}, or give the client the path of the config instead.`
    return yield* new InvalidSpec({ detail, errors: [] })
  }
  const spec: AppSpec = yield* isLoaded(app)
    ? Either.right(app.spec)
    : parseAppSpec(app).pipe(
        Either.mapLeft((issues) => {
          const detail = issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n")
          return new InvalidSpec({ detail, errors: inBody(issues, ["spec"]) })
        })
      )
  const described = yield* parseDescribed(options)
  const folder = options.folder ?? loaded?.folder ?? process.cwd()
  const wanted = new Map<string, Array<ServiceName>>()
  for (const service of spec.services) {
    const { name, source } = service
    if (source === undefined || source.digest !== undefined || source.directory !== undefined) continue
    const place = resolve(folder, source.path)
    if (options.inPlace && !(yield* runsAsImage(place, service))) continue
    wanted.set(place, [...(wanted.get(place) ?? []), name])
  }
  const snapshots = yield* Effect.forEach(
    wanted,
    ([place, services]) => snapshotOf(place).pipe(Effect.map((snapshot) => ({ place, services, snapshot }))),
    { concurrency: 4 }
  )
  const byPlace = new Map(snapshots.map(({ place, snapshot }) => [place, snapshot]))
  yield* Effect.sync(() => options.onSources?.(snapshots.map(({ services, snapshot }) => sourceOf(services, snapshot))))
  const services = spec.services.map((service) => {
    const { source } = service
    if (source === undefined || source.digest !== undefined || source.directory !== undefined) return service
    const place = resolve(folder, source.path)
    const snapshot = byPlace.get(place)
    if (snapshot === undefined) return { ...service, source: { path: source.path, directory: place } }
    return { ...service, source: sourceFields(source.path, snapshot) }
  })
  const prepared: Prepared = {
    described,
    spec: { ...spec, services },
    stage: yield* parseStage(options.stage ?? loaded?.stage ?? productionStage),
    options,
    snapshots
  }
  return prepared
})

/** Refuses an app that breaks a policy of its config. */
const keepPolicies = (app: LoadedConfig | AppSpecEncoded): Effect.Effect<void, ConfigInvalid> =>
  Effect.gen(function* () {
    if (!isLoaded(app) || app.policies.problems.length === 0) return
    const issues = yield* Effect.promise(() => app.locate(app.policies.problems))
    return yield* new ConfigInvalid({ file: app.file, issues })
  })

/** Accepted by the server. */
const accept = ({ call }: Connection, api: Api, { described, options, spec, stage }: Prepared) =>
  call(
    api.apps.deploy({
      path: { app: spec.app, stage },
      headers: { "idempotency-key": options.idempotencyKey ?? crypto.randomUUID() },
      payload: { spec: encodeAppSpec(spec), ...described, forceConflicts: options.forceConflicts ?? false }
    })
  ).pipe(askAgain)

/** `plan` and `deploy` of a server. */
export const makeDeploy = (
  connection: Connection,
  api: Api,
  events: (id: DeploymentId) => Stream.Stream<DeploymentEvent, CallError>
) => {
  const { call } = connection
  const { isThere, upload } = uploadsOf(connection, api)

  const plan = Effect.fn("MaxCloud.plan")(function* (app: LoadedConfig | AppSpecEncoded, options?: DeployOptions) {
    const { spec, stage } = yield* prepare(app, options)
    const plan = yield* call(api.apps.plan({ path: { app: spec.app, stage }, payload: { spec: encodeAppSpec(spec) } }))
    if (!isLoaded(app)) return plan
    const { problems, warnings } = app.policies
    return { ...plan, problems: [...plan.problems, ...problems], warnings: [...plan.warnings, ...warnings] }
  })

  const uploads = ({ snapshots }: Prepared): Stream.Stream<DeployProgress, DeployError> =>
    Stream.fromIterable(snapshots).pipe(
      Stream.filterEffect(({ snapshot }) => Effect.map(isThere(snapshot), (found) => !found)),
      Stream.flatMap(({ services, snapshot }) => {
        const { bytes, digest, files, folder } = snapshot
        const uploading: DeployProgress = { _tag: "uploading", services, folder, digest, files, bytes }
        return Stream.concat(Stream.make(uploading), Stream.execute(upload(snapshot)))
      })
    )

  const watch = (deployment: Deployment): Stream.Stream<DeployProgress, CallError> =>
    events(deployment.id).pipe(
      Stream.mapConcatEffect((event): Effect.Effect<ReadonlyArray<DeployProgress>, CallError> => {
        const told: DeployProgress = { _tag: "event", event }
        if (event.type !== "finished") return Effect.succeed([told])
        return Effect.map(
          event.deployment === null
            ? call(api.deployments.get({ path: { id: deployment.id } }))
            : Effect.succeed(event.deployment),
          (deployment) => [told, { _tag: "finished", deployment }]
        )
      })
    )

  /** An accepted deployment, and its events to its end. */
  const follow = (deployment: Deployment): Stream.Stream<DeployProgress, CallError> =>
    Stream.concat(Stream.make<[DeployProgress]>({ _tag: "accepted", deployment }), watch(deployment))

  const deploy = (
    app: LoadedConfig | AppSpecEncoded,
    options?: DeployOptions
  ): Stream.Stream<DeployProgress, DeployError> =>
    Stream.unwrap(
      Effect.map(Effect.zipRight(keepPolicies(app), prepare(app, options)), (prepared) => {
        const accepted = Stream.flatMap(
          Stream.fromEffect(accept(connection, api, prepared)),
          (deployment): Stream.Stream<DeployProgress, CallError> => {
            return prepared.options.detach
              ? Stream.make<[DeployProgress]>({ _tag: "accepted", deployment })
              : follow(deployment)
          }
        )
        return Stream.concat(uploads(prepared), accepted)
      })
    )

  return { plan, deploy, follow }
}

/** Runs a deploy's progress to its end: the deployment where it succeeded, or was only accepted. */
export const awaited = <E>(
  progress: Stream.Stream<DeployProgress, E>,
  onProgress?: (progress: DeployProgress) => void
): Effect.Effect<Deployment, E | DeploymentUnsuccessful> =>
  progress.pipe(
    Stream.tap((each) => Effect.sync(() => onProgress?.(each))),
    Stream.runFold<Ended, DeployProgress>({ deployment: undefined, finished: false }, (last, each) =>
      "deployment" in each ? { deployment: each.deployment, finished: each._tag === "finished" } : last
    ),
    Effect.flatMap(({ deployment, finished }): Effect.Effect<Deployment, DeploymentUnsuccessful> => {
      if (deployment === undefined) return Effect.dieMessage("a deploy ended without a deployment")
      return finished ? succeeded(deployment) : Effect.succeed(deployment)
    })
  )

interface Ended {
  readonly deployment: Deployment | undefined
  readonly finished: boolean
}

/** The deployment where it succeeded, else the failure that it is. */
export const succeeded = (deployment: Deployment): Either.Either<Deployment, DeploymentUnsuccessful> => {
  switch (deployment.status.state) {
    case "succeeded":
      return Either.right(deployment)
    case "superseded":
      return Either.left(new DeploymentSuperseded({ deployment }))
    case "cancelled":
      return Either.left(new DeploymentCancelled({ deployment }))
    default:
      return Either.left(new DeploymentFailed({ deployment }))
  }
}
