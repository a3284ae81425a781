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
import { TextOrNull } from "./textOrNull.ts"
import { Time } from "./time.ts"

/** Share of a service's requests that goes to a revision, in percent. */
export const TrafficTarget = Schema.Struct({ revision: Schema.String, percent: Schema.Int }).annotations({
  identifier: "TrafficTarget"
})
export interface TrafficTarget extends Schema.Schema.Type<typeof TrafficTarget> {}

/** A service as its app declares it, written as in the config, with defaults filled in. Secrets are references, never values. */
export const DeclaredService = openEnums(Schema.encodedSchema(ServiceSpec)).annotations({
  identifier: "DeclaredService"
})
export type DeclaredService = typeof DeclaredService.Type

/** How a service fares. */
export const ServiceStatus = Schema.Struct({
  state: openEnum(...ServiceState.literals),
  /** For callers outside; null for an internal service. */
  url: Schema.NullOr(Schema.String),
  /** The digest that the image is pinned to (`sha256:…`), or its id if it was built on the server's machine; null: not known yet, or a source. */
  digest: Schema.NullOr(Schema.String),
  conditions: Schema.Array(Condition),
  latestCreatedRevision: Schema.NullOr(Schema.String),
  latestReadyRevision: Schema.NullOr(Schema.String),
  traffic: Schema.Array(TrafficTarget),
  /** Why it does not serve as it should, where that is known. */
  diagnosis: Schema.NullOr(Diagnosis),
  /** Instances that run now. */
  instances: Schema.Int
}).annotations({ identifier: "ServiceStatus" })
export interface ServiceStatus extends Schema.Schema.Type<typeof ServiceStatus> {}

/** A service: as it is declared (`spec`), and as it is (`status`). Times are RFC 3339 in UTC. */
export const Service = Schema.Struct({
  id: ServiceId,
  name: ServiceName,
  app: AppName,
  stage: StageName,
  organization: Schema.String,
  spec: DeclaredService,
  status: ServiceStatus,
  /** Number of the deployment that last changed it. */
  deployment: Schema.Int,
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

/** A restart that is accepted. It is done when the service's newest revision is another than `replaces`, and ready. */
export const Restart = Schema.Struct({
  service: Service,
  /** The newest revision before it; null where there was none yet. */
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

/** The short way to one service: it becomes an app of that name with this one service. `PORT` in its environment is its port. */
export const CreateService = Schema.Struct({
  name: ServiceName.pipe(
    Schema.filter(
      (each) => each.length <= 40 || "The name is also the name of the app. It can have up to 40 characters."
    )
  ),
  image: ImageReference,
  stage: Schema.optionalWith(StageName, { default: () => productionStage }),
  env: Schema.optionalWith(EnvTexts, { default: () => ({}) }),
  /** The same as `env`. */
  env_vars: Schema.optionalWith(EnvTexts, { default: () => ({}) }),
  // On the property: as a description of the number, errors would quote it.
  port: Schema.optional(Schema.Int.pipe(Schema.between(1, 65_535))).annotations({
    description: "The port that the program listens on; left out: the port that the image exposes, else 8080"
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
