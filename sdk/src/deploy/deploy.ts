import { encodeAppSpec } from "@maxcloud/config-schema"
import { Effect, Stream } from "effect"
import { type Deployment, type DeploymentEvent, type DeploymentId, InvalidSpec, type Plan } from "../api/index.ts"
import type { CallError, ConfigInvalid, SourceInvalid } from "../errors.ts"
import { parseOptions } from "../input/parse.ts"
import { CallKey } from "../transport/askAgain.ts"
import type { Connection } from "../transport/connection.ts"
import {
  type Deployable,
  type DeployOptions,
  type DeployProgress,
  isLoaded,
  type PlanOptions,
  type PrepareOptions,
  planOptions,
  prepareOptions
} from "./deployOptions.ts"
import { makePlanFile } from "./planFile.ts"
import { keepPolicies, type Prepared, prepare } from "./prepare.ts"
import { uploadsOf } from "./uploads.ts"

export type PlanError = CallError | SourceInvalid
export type DeployError = PlanError | ConfigInvalid

type Api = Effect.Effect.Success<Connection["api"]>

/** Sends the app; the server accepts it. */
const accept = ({ call }: Connection, api: Api, { described, options, plan, spec, stage }: Prepared) =>
  call(
    api.apps.deploy({
      path: { app: spec.app, stage },
      headers: {},
      payload: { spec: encodeAppSpec(spec), ...described, ...plan, forceConflicts: options.forceConflicts ?? false }
    })
  ).pipe(Effect.provideService(CallKey, options.idempotencyKey))

/** Why a plan can't wait for approval: something in it is uncertain. */
const notExact = ({ images, problems }: Plan) => {
  const [unpinned] = Object.entries(images).flatMap(([name, reference]) => (reference === null ? [name] : []))
  const detail =
    problems.length > 0
      ? "The app can't be deployed like this, so there is no plan to approve."
      : `The digest of the image ${unpinned} isn't known, so the plan can't say what would run. Retry if its registry was unreachable, or name the image by its digest.`
  return new InvalidSpec({ detail, errors: problems })
}

type Events = (id: DeploymentId) => Stream.Stream<DeploymentEvent, CallError>

/** An accepted deployment, and its events until it finishes. */
const followOf = ({ call }: Connection, api: Api, events: Events) => {
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

  return (deployment: Deployment): Stream.Stream<DeployProgress, CallError> =>
    Stream.concat(Stream.make<[DeployProgress]>({ _tag: "accepted", deployment }), watch(deployment))
}

/** `plan` and `deploy` of a server. */
export const makeDeploy = (connection: Connection, api: Api, events: Events) => {
  const { call } = connection
  const { isThere, upload } = uploadsOf(connection, api)
  const follow = followOf(connection, api, events)

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
      const detail = `The source of ${inPlace.name} runs from its folder, which may change after the plan. Create the plan without \`inPlace\`.`
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
