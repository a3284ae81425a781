import { AppSpec, type AppSpecEncoded, specIssuesOf } from "@maxcloud/config-schema"
import { Either, Predicate, Schema } from "effect"
import { Plan } from "../api/deployment.ts"
import { DeploymentMessage, DeploymentMetadata } from "../api/deploymentOrigin.ts"
import { PlanId } from "../api/ids.ts"

/** Larger than the plan of the largest app with its manifests. */
export const planFileBytes = 64 * 1024 * 1024

const planKind = "maxcloud-plan"
const newestVersion = 1

const PlanVersion = Schema.Int.pipe(
  Schema.filter(
    (version) =>
      version === newestVersion ||
      `This plan has version ${version}, but this version of max-cloud reads version ${newestVersion}. Create a new plan, or update max-cloud.`
  )
)

/**
 * A plan waiting for approval: the planned changes, and everything needed to deploy them. Plain data, to write as JSON. Contains no values of
 * secrets, but the plain values of the config's `env`.
 */
export const PlanFile = Schema.Struct({
  kind: Schema.Literal(planKind),
  version: PlanVersion,
  plan: Schema.Struct({ ...Plan.fields, id: PlanId }),
  /** The planned app, with each source's digest. */
  spec: Schema.encodedSchema(AppSpec),
  message: Schema.optional(DeploymentMessage),
  metadata: Schema.optional(DeploymentMetadata)
}).annotations({ identifier: "PlanFile" })
export interface PlanFile extends Schema.Schema.Type<typeof PlanFile> {}

export const makePlanFile = (
  plan: PlanFile["plan"],
  spec: AppSpecEncoded,
  described: Pick<PlanFile, "message" | "metadata">
): PlanFile => ({ kind: planKind, version: newestVersion, plan, spec, ...described })

export const isPlanFile = (app: object): app is PlanFile => Predicate.hasProperty(app, "kind") && app.kind === planKind

/** Parses a plan's JSON; left, why it isn't valid. */
export const parsePlanFile = (text: string): Either.Either<PlanFile, string> =>
  Schema.decodeUnknownEither(Schema.parseJson(PlanFile), { errors: "all", onExcessProperty: "error" })(text).pipe(
    Either.mapLeft((error) =>
      specIssuesOf(error)
        .map((issue) => [...issue.path, issue.message].join(": "))
        .join("\n")
    )
  )
