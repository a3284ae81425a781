import { type Deployment, type PlanId, PlanOutdated } from "@maxcloud/sdk/api"
import { Data, Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { planIdOf, readPlanId } from "../plans/planId.ts"
import type { AcceptInput } from "./acceptInput.ts"

/** The result of deploying no longer matches the plan. */
export class PlanMoved extends Data.TaggedError("PlanMoved")<{
  readonly planId: PlanId
  readonly cause: "deployment" | "spec" | "manifests"
}> {}

/** Does the result still match the plan, if `number` is the newest deployment's? */
export const checkPlan = (
  { planContent, planId }: Pick<AcceptInput, "planContent" | "planId">,
  number: number | undefined
): Effect.Effect<void, PlanMoved> => {
  if (planId === undefined) return Effect.void
  if (planContent === undefined) return Effect.dieMessage("a plan's content wasn't computed")
  if (planId === planIdOf(number, planContent)) return Effect.void
  const { basedOn, spec } = readPlanId(planId)
  const isSpec = planContent.spec.startsWith(spec)
  return new PlanMoved({ planId, cause: basedOn !== number ? "deployment" : isSpec ? "manifests" : "spec" })
}

const authorOf = ({ createdBy }: Deployment) => (createdBy === null ? "" : ` by ${createdBy.name ?? createdBy.id}`)

const changeOf = (
  { app, stage }: Target,
  basedOn: number | undefined,
  cause: PlanMoved["cause"],
  newest: Deployment | undefined
): string => {
  const base = basedOn === undefined ? "no deployment" : `deployment ${basedOn}`
  switch (cause) {
    case "deployment":
      return newest === undefined
        ? `The plan is based on ${base} of "${app}" (${stage}), which has been deleted.`
        : `The plan is based on ${base} of "${app}" (${stage}), but deployment ${newest.number} was accepted since then${authorOf(newest)}.`
    case "spec":
      return `The plan doesn't match the request's app, stage or organization, or the app's config or source has changed since then.`
    case "manifests":
      return `The result of deploying to "${app}" (${stage}) no longer matches the plan: a secret was set, an image's tag was pushed again, a service was paused or restarted, or a server setting has changed.`
  }
}

/** The refusal of an outdated plan, with what has changed. */
export const planOutdated = (target: Target, { cause, planId }: PlanMoved, newest: Deployment | undefined) => {
  const { basedOn } = readPlanId(planId)
  return new PlanOutdated({
    detail: `${changeOf(target, basedOn, cause, newest)} Nothing was deployed. Run \`maxcloud plan\` again.`,
    basedOn: basedOn ?? null,
    newestDeployment: newest?.number ?? null
  })
}
