import type { PlanOutdated } from "@maxcloud/sdk/api"
import type { PlanFile } from "@maxcloud/sdk/effect"
import { Effect, Stream } from "effect"
import { type Cloud, connect, refused, writtenStage } from "../client.ts"
import type { Globals } from "../command.ts"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { outdatedFields } from "../output/report.ts"
import type { Terminal } from "../output/terminal.ts"
import { planChanges } from "../plans/planChanges.ts"
import { readPlanFile } from "../plans/planFiles.ts"
import { deployMetadata } from "./deployMetadata.ts"
import { type DeployFlags, follow, tellOutcome } from "./follow.ts"
import { outputsOf } from "./outputs.ts"

type Input = Globals & DeployFlags

/** Adds the differences from the approved plan, as far as a new plan shows them. */
const outdated = (cloud: Cloud, approved: PlanFile, file: string) => (error: PlanOutdated) =>
  Effect.gen(function* () {
    const now = yield* Effect.option(cloud.plan(approved, { manifests: true }))
    const { data, message } = outdatedFields(error)
    return yield* new CommandFailed({
      tag: error._tag,
      exit: 13,
      message,
      details: now._tag === "None" ? [] : planChanges(approved.plan, now.value),
      fix: `create a new plan with \`maxcloud plan --out ${file}\`, and have it approved`,
      data
    })
  })

/** The plan contains its stage. Don't ignore another stage in the environment: it may be a mistake. */
const refuseOtherStage = ({ plan }: PlanFile) => {
  const written = writtenStage({ stage: undefined })
  return written === undefined || written === plan.stage
    ? Effect.void
    : new UsageError({
        message: `the plan is for the stage "${plan.stage}", but MAXCLOUD_STAGE is "${written}"`,
        fix: "unset MAXCLOUD_STAGE, or create a plan for that stage"
      })
}

/** Deploys exactly the plan, or nothing. */
export const deployPlanFile = (input: Input, file: string, terminal: Terminal) =>
  Effect.gen(function* () {
    const approved = yield* readPlanFile(file)
    yield* refuseOtherStage(approved)
    const cloud = yield* connect(input)
    const { detach, forceConflicts, message } = input
    // The commit and the CI run are those of the plan.
    const metadata = yield* deployMetadata(undefined, input.metadata, {})
    const progress = cloud.deploy(approved, { detach, forceConflicts, message, metadata }).pipe(
      Stream.catchTag("InvalidSpec", (error) => Stream.fromEffect(refused(undefined)(error))),
      Stream.catchTag("PlanOutdated", (error) => Stream.fromEffect(outdated(cloud, approved, file)(error)))
    )
    const deployment = yield* follow(progress, input, terminal)
    const outputs = detach ? undefined : yield* outputsOf(cloud, { spec: approved.spec, stage: approved.plan.stage })
    tellOutcome(deployment, detach, terminal, outputs)
  })
