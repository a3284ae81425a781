import { resolve } from "node:path"
import {
  type AppSpec,
  type AppSpecEncoded,
  parseAppSpec,
  productionStage,
  type ServiceName,
  type StageName
} from "@maxcloud/config-schema"
import { Effect, Either } from "effect"
import { InvalidRequest, InvalidSpec, inSpec, PlanId } from "../api/index.ts"
import type { LoadedConfig } from "../config/loadConfig.ts"
import { ConfigInvalid } from "../errors.ts"
import { parseDescribed } from "../input/described.ts"
import type { OptionKinds } from "../input/options.ts"
import { parse, parseOptions, parseStage } from "../input/parse.ts"
import { runsAsImage } from "../source/runsAsImage.ts"
import { type Snapshot, snapshotOf, sourceFields } from "../source/snapshot.ts"
import {
  type Deployable,
  type DeployOptions,
  deployOptions,
  isLoaded,
  type PlanOptions,
  type SourceReport
} from "./deployOptions.ts"
import { isPlanFile, PlanFile } from "./planFile.ts"

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

export interface Prepared {
  readonly described: Effect.Effect.Success<ReturnType<typeof parseDescribed>>
  readonly plan: { readonly plan?: PlanId }
  readonly spec: AppSpec
  readonly stage: StageName
  readonly options: DeployOptions
  readonly snapshots: ReadonlyArray<{ readonly services: ReadonlyArray<ServiceName>; readonly snapshot: Snapshot }>
}

/** Options can't override a plan. */
const ofPlan = (app: PlanFile, { folder, inPlace, plan, stage, ...options }: DeployOptions) =>
  Effect.gen(function* () {
    const { metadata, message, plan: planned, spec } = yield* parse(PlanFile)(app)
    const [given] = Object.entries({ folder, inPlace, plan, stage }).flatMap(([name, value]) =>
      value === undefined ? [] : [name]
    )
    if (given !== undefined) {
      const detail = `A plan has its own ${given}. Leave the option out, or create a new plan with it.`
      return yield* new InvalidRequest({ detail, errors: [] })
    }
    const described = { message: options.message ?? message, metadata: { ...metadata, ...options.metadata } }
    return { app: spec, options: { ...options, ...described, stage: planned.stage, plan: planned.id } }
  })

/** The AppSpec with each source's digest, or its absolute folder if it runs in place. */
export const prepare = Effect.fn("MaxCloud.prepare")(function* (
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
  const stage = yield* parseStage(options.stage ?? loaded?.stage ?? productionStage)
  if (loaded !== undefined && loaded.stage !== stage) {
    const detail = `The config was loaded for the stage "${loaded.stage}", so it can't be used for "${stage}". Load it for that stage, with loadConfig({ stage: "${stage}" }), or leave the stage out.`
    return yield* new InvalidRequest({ detail, errors: [] })
  }
  const [assumed] = loaded?.assumed ?? []
  if (assumed !== undefined) {
    const detail = `The config reads \`${assumed}\`, but it was loaded without asking a server. Pass the ${assumed} to loadConfig, or pass the config's path to the client.`
    return yield* new InvalidSpec({ detail, errors: [] })
  }
  const spec: AppSpec = yield* isLoaded(app)
    ? Either.right(app.spec)
    : parseAppSpec(app).pipe(
        Either.mapLeft((issues) => {
          const detail = issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n")
          return new InvalidSpec({ detail, errors: inSpec(issues) })
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
    stage,
    options,
    snapshots
  }
  return prepared
})

/** Refuses an app that breaks a policy of its config. Runs after `prepare`, as in a plan, so that both report the same mistake first. */
export const keepPolicies = (app: Deployable): Effect.Effect<void, ConfigInvalid> =>
  Effect.gen(function* () {
    if (!isLoaded(app) || app.policies.problems.length === 0) return
    const issues = yield* Effect.promise(() => app.locate(app.policies.problems))
    return yield* new ConfigInvalid({ file: app.file, issues })
  })
