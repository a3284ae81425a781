import { AppName, StageName, textUpTo } from "@maxcloud/config-schema"
import { Schema } from "effect"
import { DeploymentMetadata } from "./deploymentOrigin.ts"
import { knownKeysOnly } from "./knownKeysOnly.ts"
import { listOf } from "./lists.ts"
import { openEnum } from "./openEnum.ts"
import { ProblemError } from "./problemErrors.ts"
import { SentSpec } from "./sentSpec.ts"
import { Time } from "./time.ts"
import { visibleLines } from "./visibleText.ts"

/** Name of a policy of an organization. */
export const PolicyName = Schema.String.pipe(
  Schema.pattern(/^[a-z][a-z0-9-]{0,62}$/, {
    message: () => 'Use up to 63 lowercase letters, digits and "-" for the name of a policy, such as "max-memory".'
  })
)
export type PolicyName = typeof PolicyName.Type

/** An expression in CEL, which must be true of an app: https://cel.dev. */
const PolicyExpression = textUpTo(2_000, "The expression").pipe(
  Schema.filter((text) => text.trim() !== "" || "Write an expression, such as service.memoryBytes <= 1073741824.", {
    jsonSchema: { minLength: 1 }
  })
)

/** A rule that an organization's apps must follow. */
export const PolicyInfo = Schema.Struct({
  name: PolicyName,
  /** CEL. It must be true for an app; one with `service` must be true for each service. */
  expression: Schema.String,
  /** The message if the expression isn't true. */
  message: Schema.NullOr(Schema.String),
  /** `refuse`: the server refuses an app that breaks it. `warn`: it deploys the app with a warning. */
  enforcement: openEnum("refuse", "warn"),
  createdAt: Time,
  updatedAt: Time
}).annotations({ identifier: "Policy" })
export interface PolicyInfo extends Schema.Schema.Type<typeof PolicyInfo> {}

export const PolicyList = listOf(PolicyInfo, { name: "policies", sorts: ["name"], filters: {} })

export const SetPolicy = Schema.Struct({
  expression: PolicyExpression,
  /** The problem and its fix, for people who deploy. If absent, the expression is shown. */
  message: Schema.optional(
    visibleLines(500, "The message").pipe(
      Schema.filter((text) => text.trim() !== "" || "Write a message, or leave it out.")
    )
  ),
  enforcement: Schema.optionalWith(Schema.Literal("refuse", "warn"), { default: () => "refuse" as const })
}).annotations({ identifier: "SetPolicy", ...knownKeysOnly })
export interface SetPolicy extends Schema.Schema.Type<typeof SetPolicy> {}

/** A policy violation of a deployed app. */
export const PolicyBreach = Schema.Struct({ app: AppName, stage: StageName, detail: Schema.String }).annotations({
  identifier: "PolicyBreach"
})

/** A stored policy, and the deployed apps that break it. They keep running. */
export const PolicyChange = Schema.Struct({
  policy: PolicyInfo,
  /** How many stages of apps were checked: at most 100. */
  tried: Schema.Int,
  breaches: Schema.Array(PolicyBreach)
}).annotations({ identifier: "PolicyChange" })
export interface PolicyChange extends Schema.Schema.Type<typeof PolicyChange> {}

export const TryPolicy = Schema.Struct({
  expression: PolicyExpression,
  spec: SentSpec,
  stage: Schema.optionalWith(StageName, { default: () => StageName.make("production") }),
  metadata: Schema.optional(DeploymentMetadata)
}).annotations({ identifier: "TryPolicy", ...knownKeysOnly })
export interface TryPolicy extends Schema.Schema.Type<typeof TryPolicy> {}

/** The findings of an expression in an app. */
export const PolicyTrial = Schema.Struct({
  /** Empty if the app follows it. */
  findings: Schema.Array(ProblemError)
}).annotations({ identifier: "PolicyTrial" })
export interface PolicyTrial extends Schema.Schema.Type<typeof PolicyTrial> {}
