import { Effect, Schema } from "effect"
import { appOf, connect, stageOf } from "../client.ts"
import type { Globals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"

/** The place of a deployment: of an id the server knows it, of a number the flags and the config say it. */
export const deploymentPlace = (input: Globals & { readonly deployment: string; readonly app: string | undefined }) =>
  Effect.gen(function* () {
    const { DeploymentId } = yield* Effect.promise(() => import("@maxcloud/sdk/api"))
    const written = input.deployment
    if (Schema.is(DeploymentId)(written)) {
      const cloud = yield* connect(input)
      const { app, number, stage } = yield* cloud.deployments.get(written)
      return { cloud, app, number, stage }
    }
    if (!/^[1-9]\d{0,9}$/.test(written)) {
      return yield* new UsageError({
        message: `"${written}" isn't the number or the id of a deployment`,
        fix: "`maxcloud deployments list` shows both"
      })
    }
    const app = yield* appOf(input)
    return { cloud: yield* connect(input), app, number: Number(written), stage: yield* stageOf(input) }
  })
