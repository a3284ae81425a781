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
import {
  type Deployment,
  type DeploymentEvent,
  type DeploymentId,
  InvalidRequest,
  InvalidSpec,
  inBody,
  type Plan,
  PlanId
} from "../api/index.ts"
import type { LoadedConfig } from "../config/loadConfig.ts"
import {
  type CallError,
  ConfigInvalid,
  DeploymentCancelled,
  DeploymentFailed,
  DeploymentSuperseded,
  type DeploymentUnsuccessful,
  type SourceInvalid
} from "../errors.ts"
import { type Described, parseDescribed } from "../input/described.ts"
import type { OptionKinds } from "../input/options.ts"
import { parse, parseOptions, parseStage } from "../input/parse.ts"
import { runsAsImage } from "../source/runsAsImage.ts"
import { type Snapshot, type SnapshotCut, snapshotOf, sourceFields } from "../source/snapshot.ts"
import { CallKey } from "../transport/askAgain.ts"
import type { Connection } from "../transport/connection.ts"
import { isPlanFile, makePlanFile, PlanFile } from "./planFile.ts"
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
  /** The `id` of a plan: nothing else is deployed. `PlanOutdated` if something else would be by now. */
  readonly plan?: string | undefined
  /** Take over fields that another manager has set on the app's objects in the cluster. Otherwise such a conflict fails the deploy. @default false */
  readonly forceConflicts?: boolean | undefined
  /** Called with the contents of each source after it was read and before anything is sent. */
  readonly onSources?: ((sources: ReadonlyArray<SourceReport>) => void) | undefined
}

export interface PlanOptions extends DeployOptions {
  /** Ask for the manifests, too. @default false */
  readonly manifests?: boolean | undefined
}

export interface PrepareOptions extends DeployOptions {
  /** Called for each source that is uploaded. */
  readonly onProgress?: ((progress: DeployProgress) => void) | undefined
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
  readonly plan: { readonly plan?: PlanId }
  readonly spec: AppSpec
  readonly stage: StageName
  readonly options: DeployOptions
  readonly snapshots: ReadonlyArray<{ readonly services: ReadonlyArray<ServiceName>; readonly snapshot: Snapshot }>
}

/** The input of a deploy: a loaded config, an AppSpec as plain data, or a plan that was approved. */
export type Deployable = LoadedConfig | AppSpecEncoded | PlanFile

const isLoaded = (app: Deployable): app is LoadedConfig =>
  Predicate.hasProperty(app, "locate") && Predicate.hasProperty(app, "policies")

export const deployOptions: OptionKinds<DeployOptions> = {
  stage: "text",
  folder: "text",
  idempotencyKey: "text",
  detach: "flag",
  inPlace: "flag",
  plan: "text",
  forceConflicts: "flag",
  message: "text",
  metadata: "any",
  onSources: "function"
}
const planOptions: OptionKinds<PlanOptions> = { ...deployOptions, manifests: "flag" }
const prepareOptions: OptionKinds<PrepareOptions> = { ...deployOptions, onProgress: "function" }

/** What a plan says itself can't be said otherwise. */
const ofPlan = (app: PlanFile, { folder, inPlace, plan, stage, ...options }: DeployOptions) =>
  Effect.gen(function* () {
    const { metadata, message, plan: planned, spec } = yield* parse(PlanFile)(app)
    const [given] = Object.entries({ folder, inPlace, plan, stage }).flatMap(([name, value]) =>
      value === undefined ? [] : [name]
    )
    if (given !== undefined) {
      const detail = `A plan has its own ${given}. Leave the option out, or plan again with it.`
      return yield* new InvalidRequest({ detail, errors: [] })
    }
    const described = { message: options.message ?? message, metadata: { ...metadata, ...options.metadata } }
    return { app: spec, options: { ...options, ...described, stage: planned.stage, plan: planned.id } }
  })

/** The AppSpec with each source's digest, or its absolute folder where it is to run in place. */
const prepare = Effect.fn("MaxCloud.prepare")(function* (
  deployed: Deployable,
  given: PlanOptions | undefined,
  kinds: OptionKinds<DeployOptions> = deployOptions
) {
  const parsedOptions: DeployOptions = yield* parseOptions<DeployOptions>(given, kinds)
  const { app, options }: { readonly app: LoadedConfig | AppSpecEncoded; readonly options: DeployOptions } = isPlanFile(
    deployed
  )
    ? yield* ofPlan(deployed, parsedOptions)
    : { app: deployed, options: parsedOptions }
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
    plan: options.plan === undefined ? {} : { plan: yield* parse(PlanId)(options.plan) },
    spec: { ...spec, services },
    stage: yield* parseStage(options.stage ?? loaded?.stage ?? productionStage),
    options,
    snapshots
  }
  return prepared
})

/** Refuses an app that breaks a policy of its config. After `prepare`, as in a plan, so that both tell the same mistake first. */
const keepPolicies = (app: Deployable): Effect.Effect<void, ConfigInvalid> =>
  Effect.gen(function* () {
    if (!isLoaded(app) || app.policies.problems.length === 0) return
    const issues = yield* Effect.promise(() => app.locate(app.policies.problems))
    return yield* new ConfigInvalid({ file: app.file, issues })
  })

/** Accepted by the server. */
const accept = ({ call }: Connection, api: Api, { described, options, plan, spec, stage }: Prepared) =>
  call(
    api.apps.deploy({
      path: { app: spec.app, stage },
      headers: {},
      payload: { spec: encodeAppSpec(spec), ...described, ...plan, forceConflicts: options.forceConflicts ?? false }
    })
  ).pipe(Effect.provideService(CallKey, options.idempotencyKey))

/** Why a plan can't wait for its approval: its content isn't certain. */
const notExact = ({ images, problems }: Plan) => {
  const [unpinned] = Object.entries(images).flatMap(([name, reference]) => (reference === null ? [name] : []))
  const detail =
    problems.length > 0
      ? "The app can't be deployed as it is, so there is no plan to approve."
      : `The digest of the image ${unpinned} isn't known, so the plan doesn't say what would run. Try again if its registry was unreachable, or name the image by its digest.`
  return new InvalidSpec({ detail, errors: inBody(problems, ["spec"]) })
}

/** `plan` and `deploy` of a server. */
export const makeDeploy = (
  connection: Connection,
  api: Api,
  events: (id: DeploymentId) => Stream.Stream<DeploymentEvent, CallError>
) => {
  const { call } = connection
  const { isThere, upload } = uploadsOf(connection, api)

  const planned = (app: Deployable, { described: { metadata }, spec, stage }: Prepared, manifests: boolean) =>
    call(
      api.apps.plan({
        path: { app: spec.app, stage },
        payload: { spec: encodeAppSpec(spec), manifests, ...(metadata === undefined ? {} : { metadata }) }
      })
    ).pipe(
      Effect.map((plan): Plan => {
        if (!isLoaded(app)) return plan
        const { problems, warnings } = app.policies
        const id = problems.length === 0 ? plan.id : null
        return { ...plan, id, problems: [...plan.problems, ...problems], warnings: [...plan.warnings, ...warnings] }
      })
    )

  const plan = Effect.fn("MaxCloud.plan")(function* (app: Deployable, options?: PlanOptions) {
    return yield* planned(app, yield* prepare(app, options, planOptions), options?.manifests === true)
  })

  const preparePlan = Effect.fn("MaxCloud.preparePlan")(function* (app: Deployable, options?: PrepareOptions) {
    const { onProgress, ...rest } = yield* parseOptions<PrepareOptions>(options, prepareOptions)
    const prepared = yield* prepare(app, rest)
    yield* keepPolicies(app)
    const { described, spec } = prepared
    const inPlace = spec.services.find((service) => service.source?.directory !== undefined)
    if (inPlace !== undefined) {
      const detail = `The source of ${inPlace.name} runs from its folder, which may change after the plan. Plan it without \`inPlace\`.`
      return yield* new InvalidSpec({ detail, errors: [] })
    }
    const found = yield* planned(app, prepared, true)
    const { id } = found
    if (id === null) return yield* notExact(found)
    yield* Stream.runForEach(uploads(prepared), (each) => Effect.sync(() => onProgress?.(each)))
    return makePlanFile({ ...found, id }, encodeAppSpec(spec), described)
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

  const deploy = (app: Deployable, options?: DeployOptions): Stream.Stream<DeployProgress, DeployError> =>
    Stream.unwrap(
      Effect.map(Effect.zipLeft(prepare(app, options), keepPolicies(app)), (prepared) => {
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

  return { plan, preparePlan, deploy, follow }
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
