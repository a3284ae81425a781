import {
  AppName,
  bounds,
  ImageReference,
  mapUpTo,
  productionStage,
  ServiceName,
  ServiceSpec,
  StageName,
  textUpTo,
  WrittenEnvName
} from "@maxcloud/config-schema"
import { Schema } from "effect"
import { Condition, ServiceState } from "./conditions.ts"
import { Diagnosis } from "./diagnosis.ts"
import { ServiceId } from "./ids.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum, openEnums } from "./openEnum.ts"
import { SuspendedService } from "./suspension.ts"
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"

/** A revision's share of a service's requests, in percent. */
export const TrafficTarget = Schema.Struct({ revision: Schema.String, percent: Schema.Int }).annotations({
  identifier: "TrafficTarget"
})
export interface TrafficTarget extends Schema.Schema.Type<typeof TrafficTarget> {}

/** A service as its config declares it, with defaults filled in. Secrets are references, never values. */
export const DeclaredService = openEnums(Schema.encodedBoundSchema(ServiceSpec)).annotations({
  identifier: "DeclaredService"
})
export type DeclaredService = typeof DeclaredService.Type

/** The state of a service. */
export const ServiceStatus = Schema.Struct({
  state: openEnum(...ServiceState.literals),
  /** The public URL; null for an internal service. */
  url: Schema.NullOr(Schema.String),
  /** The image's pinned digest (`sha256:…`), or its id if it was built on the server's machine; null for a source, or if not known yet. */
  digest: Schema.NullOr(Schema.String),
  conditions: Schema.Array(Condition),
  latestCreatedRevision: Schema.NullOr(Schema.String),
  latestReadyRevision: Schema.NullOr(Schema.String),
  traffic: Schema.Array(TrafficTarget),
  /** Why it doesn't serve properly, if known. */
  diagnosis: Schema.NullOr(Diagnosis),
  /** Running instances. */
  instances: Schema.Int
}).annotations({ identifier: "ServiceStatus" })
export interface ServiceStatus extends Schema.Schema.Type<typeof ServiceStatus> {}

/** A service: its declaration (`spec`) and its current state (`status`). Times are RFC 3339 in UTC. */
export const Service = Schema.Struct({
  id: ServiceId,
  name: ServiceName,
  app: AppName,
  stage: StageName,
  organization: Schema.String,
  spec: DeclaredService,
  status: ServiceStatus,
  /** The number of the deployment that last changed it. */
  deployment: Schema.Int,
  /** Null unless its app is suspended: max-cloud doesn't revert what others change then. */
  suspension: Schema.optionalWith(Schema.NullOr(SuspendedService), { default: () => null }),
  createdAt: Time,
  updatedAt: Time
}).annotations({ identifier: "Service" })
export interface Service extends Schema.Schema.Type<typeof Service> {}

export const ServiceList = listOf(Service, {
  name: "services",
  sorts: ["name", "createdAt", "updatedAt"],
  filters: {
    app: Schema.optional(AppName),
    stage: Schema.optional(StageName),
    name: Schema.optional(ServiceName),
    state: Schema.optional(ServiceState)
  }
})

/** An accepted restart. It is done when the service's newest revision differs from `replaces` and is ready. */
export const Restart = Schema.Struct({
  service: Service,
  /** The previous newest revision; null if there was none yet. */
  replaces: Schema.NullOr(Schema.String)
}).annotations({ identifier: "Restart" })
export interface Restart extends Schema.Schema.Type<typeof Restart> {}

/** An immutable snapshot of a service. */
export const Revision = Schema.Struct({
  name: Schema.String,
  service: ServiceName,
  ready: openEnum("true", "false", "unknown"),
  reason: TextOrNull,
  message: TextOrNull,
  image: Schema.String,
  instances: Schema.Int,
  trafficPercent: Schema.Int,
  createdAt: Time
}).annotations({ identifier: "Revision" })
export interface Revision extends Schema.Schema.Type<typeof Revision> {}

export const RevisionList = listOf(Revision, { name: "revisions", sorts: ["-createdAt"], filters: {} })

const EnvTexts = mapUpTo(
  WrittenEnvName,
  textUpTo(bounds.envValueLength, "The value"),
  bounds.envVariables,
  "The environment"
)

/** The shortcut for one service: creates an app of that name with this one service. `PORT` in its environment is its port. */
export const CreateService = Schema.Struct({
  name: ServiceName.pipe(
    Schema.filter(
      (each) => each.length <= 40 || "This is also the name of the app, so it can have up to 40 characters."
    )
  ),
  image: ImageReference,
  stage: Schema.optionalWith(StageName, { default: () => productionStage }),
  env: Schema.optionalWith(EnvTexts, { default: () => ({}) }),
  /** The same as `env`. */
  env_vars: Schema.optionalWith(EnvTexts, { default: () => ({}) }),
  // A description of the property, because errors would quote a description of the number.
  port: Schema.optional(Schema.Int.pipe(Schema.between(1, 65_535))).annotations({
    description: "The port that the program listens on. Default: the port that the image exposes, else 8080"
  })
})
  .annotations(knownKeysOnly)
  .pipe(
    Schema.filter(({ env, env_vars }) => {
      const twice = Object.keys(env_vars).find((name) => Object.hasOwn(env, name) && env[name] !== env_vars[name])
      return twice === undefined
        ? true
        : { path: ["env_vars", twice], message: `"${twice}" has another value in \`env\`. Remove one of them.` }
    })
  )
  .annotations({ identifier: "CreateService", ...knownKeysOnly })
export interface CreateService extends Schema.Schema.Type<typeof CreateService> {}
