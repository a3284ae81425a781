import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, type AppSpec, noFindings, parseAppSpecInTurns, policyAppOf, StageName } from "@maxcloud/config-schema"
import { type DeploymentMetadata, inSpec, type PolicyChange, type TryPolicy } from "@maxcloud/sdk/api"
import { Effect, Either, Schema } from "effect"
import type { Organization } from "../../../base/words/Organization.ts"
import type { Target } from "../../../base/words/Target.ts"
import { checkedExpression } from "../../../tenancy/policies/checkedExpression.ts"
import { factsOf } from "../../../tenancy/policies/compilePolicy.ts"
import { type JudgingPolicy, judgeApp, type PolicyVerdict } from "../../../tenancy/policies/judgeApp.ts"
import { policiesStamp, selectPolicies } from "../../../tenancy/policies/policyRows.ts"
import { inTurns } from "../queue/turns.ts"
import { invalidSpec } from "./invalidSpec.ts"

/** The target of an app's deployment, with its metadata. */
export interface Judged extends Target {
  readonly metadata?: DeploymentMetadata | undefined
}

/** The findings of some policies in an app. */
const judgedBy = (
  policies: ReadonlyArray<JudgingPolicy>,
  { metadata = {}, organization, stage }: Pick<Judged, "metadata" | "organization" | "stage">,
  spec: AppSpec
) =>
  policies.length === 0
    ? Effect.succeed({ ...noFindings, broken: [] })
    : inTurns(() =>
        judgeApp(policies, factsOf(policyAppOf(spec, stage), { organization: organization.name, metadata }))
      )

/**
 * The findings of the organization's policies in an app, and which policies those were. An app without services violates none:
 * everybody may remove everything.
 */
export const policyFindings = (target: Judged, spec: AppSpec) =>
  Effect.gen(function* () {
    const { id } = target.organization
    const stamp = yield* policiesStamp(id)
    const policies = spec.services.length === 0 || stamp === "" ? [] : yield* selectPolicies(id)
    const verdict: PolicyVerdict = yield* judgedBy(policies, target, spec)
    return { ...verdict, stamp }
  })

/** How many stages to check when a policy is set. */
const mostTried = 100

const decodeStages = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ app: AppName, stage: StageName, spec: Schema.Unknown }))
)

/** A policy's findings in the currently deployed apps. */
export const triedPolicy = (organization: Organization, policy: JudgingPolicy) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const stages = decodeStages(
      yield* sql`
        select d.app, d.stage, d.spec from app_stages a join deployments d
          on d.organization_id = a.organization_id and d.app = a.app and d.stage = a.stage and d.number = a.last_number
        where a.organization_id = ${organization.id} and json_array_length((d.spec -> 'services')::json) > 0
        order by d.app collate "C", d.stage collate "C" limit ${mostTried}`
    )
    const breaches: Array<PolicyChange["breaches"][number]> = []
    for (const { app, spec, stage } of stages) {
      const parsed = yield* inTurns(() => parseAppSpecInTurns(spec))
      if (Either.isLeft(parsed)) continue
      const { problems, warnings } = yield* judgedBy([policy], { organization, stage }, parsed.right)
      const [first, ...more] = [...problems, ...warnings]
      if (first === undefined) continue
      const [, index] = first.path
      const service = typeof index === "number" ? parsed.right.services[index] : undefined
      const where = service === undefined ? "" : `${service.name}: `
      breaches.push({
        app,
        stage,
        detail: `${where}${first.message}${more.length === 0 ? "" : ` (and ${more.length} more)`}`
      })
    }
    return { tried: stages.length, breaches }
  })

/** An expression's findings in an app that isn't deployed. */
export const testedPolicy = (organization: Organization, { expression, metadata, spec: written, stage }: TryPolicy) =>
  Effect.gen(function* () {
    yield* checkedExpression(expression)
    const spec = yield* Effect.mapError(yield* inTurns(() => parseAppSpecInTurns(written)), invalidSpec)
    const policy = { name: null, expression, message: null, enforcement: "refuse" } as const
    const { problems } = yield* judgedBy([policy], { organization, stage, metadata }, spec)
    return { findings: inSpec(problems) }
  })
