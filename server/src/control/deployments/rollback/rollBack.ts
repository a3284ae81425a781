import { SqlClient } from "@effect/sql/SqlClient"
import type { AppSpec } from "@maxcloud/config-schema"
import { NotFound } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import type { AcceptInput } from "../accept/acceptInput.ts"
import { acceptInspected } from "../accept/acceptSpec.ts"
import type { WorkQueue } from "../queue/WorkQueue.ts"
import { pinnedBy } from "../records/pinned.ts"
import { suspensionWarnings } from "../suspension/suspensionRows.ts"
import { linkProblems } from "../validate/appLinks.ts"
import { policyFindings } from "../validate/appPolicies.ts"
import { readSpec, runtimeProblems } from "../validate/inspectSpec.ts"
import { invalidSpec } from "../validate/invalidSpec.ts"

const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))

export const noNumber = ({ app, stage }: Target, number: number) =>
  new NotFound({
    detail: `There is no deployment ${number} of "${app}" in the stage "${stage}". Run \`maxcloud deployments list\` to list the stored ones.`,
    resource: "deployment",
    resourceName: String(number)
  })

/** The id of an app and stage's deployment with this number. */
export const idOfNumber = (target: Target, number: number) =>
  Effect.gen(function* () {
    const { app, organization, stage } = target
    const sql = yield* SqlClient
    const [row] = decodeIds(
      yield* sql`
        select id from deployments
        where organization_id = ${organization.id} and app = ${app} and stage = ${stage} and number = ${number}`
    )
    return row?.id ?? (yield* noNumber(target, number))
  })

/** The same deployment as it was accepted. */
export const pinnedByNumber = (target: Target, number: number) =>
  Effect.gen(function* () {
    const pinned = yield* pinnedBy(target.organization.id, yield* idOfNumber(target, number))
    return pinned ?? (yield* noNumber(target, number))
  })

/**
 * An emergency doesn't wait for a policy: violations by an earlier deployment become warnings of the new one, and the audit log
 * names the policies.
 */
const passedPolicies = (target: Target, spec: AppSpec, { metadata }: AcceptInput["origin"]) =>
  Effect.gen(function* () {
    const { broken, problems, warnings } = yield* policyFindings({ ...target, metadata }, spec)
    return { passed: broken, warnings: [...problems, ...warnings] }
  })

/** Accepts the app of an earlier deployment again, with its images by digest and its secret versions. */
export const rollBack = (
  queue: WorkQueue,
  target: Target,
  number: number,
  rest: Pick<AcceptInput, "origin" | "forceConflicts">
) =>
  Effect.gen(function* () {
    const runtime = yield* Runtime
    const pinned = yield* pinnedByNumber(target, number)
    const read = yield* readSpec(target, pinned.spec)
    const input: AcceptInput = {
      ...target,
      ...pinned,
      ...read,
      ...rest,
      keepsVersions: true,
      generates: new Map(),
      problems: [],
      warnings: []
    }
    const problems = [...(yield* runtimeProblems(target, read.spec)), ...(yield* linkProblems(target, read.spec))]
    if (problems.length > 0) return yield* invalidSpec(problems)
    const { passed, warnings } = yield* passedPolicies(target, read.spec, input.origin)
    return yield* acceptInspected(queue, {
      ...input,
      passed,
      warnings: [...runtime.limitations(read.spec), ...warnings, ...(yield* suspensionWarnings(target))]
    })
  })
