import { type Deployment, type PlanId, PlanOutdated } from "@maxcloud/sdk/api"
import { Data, Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { planIdOf, readPlanId } from "../plans/planId.ts"
import type { AcceptInput } from "./acceptInput.ts"

/** What would be applied isn't what was planned. */
export class PlanMoved extends Data.TaggedError("PlanMoved")<{
  readonly planId: PlanId
  readonly cause: "deployment" | "spec" | "manifests"
}> {}

/** Is what would be accepted still what was planned, if `number` is the newest deployment's? */
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
        ? `The plan is based on ${base} of "${app}" (${stage}), which isn't kept any more.`
        : `The plan is based on ${base} of "${app}" (${stage}), but deployment ${newest.number} was accepted since${authorOf(newest)}.`
    case "spec":
      return `The plan is of another app, stage or organization than the request, or the app's config or source has changed since.`
    case "manifests":
      return `What would be applied to "${app}" (${stage}) isn't what was planned: since then a secret was set, an image's tag was pushed again, a service was paused or restarted, or a setting of the server has changed.`
  }
}

/** The refusal of a plan that isn't right any more: it says what has changed. */
export const planOutdated = (target: Target, { cause, planId }: PlanMoved, newest: Deployment | undefined) => {
  const { basedOn } = readPlanId(planId)
  return new PlanOutdated({
    detail: `${changeOf(target, basedOn, cause, newest)} Nothing was deployed. Run \`maxcloud plan\` again.`,
    basedOn: basedOn ?? null,
    newestDeployment: newest?.number ?? null
  })
}
