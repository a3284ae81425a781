import { Effect, Schema } from "effect"
import { appOf, connect, stageOf } from "../client.ts"
import type { Globals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"

/** The app and stage of a deployment. The server knows them for an id; for a number they come from the flags and the config. */
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
        message: `"${written}" isn't a deployment's number or id`,
        fix: "`maxcloud deployments list` shows both"
      })
    }
    const app = yield* appOf(input)
    return { cloud: yield* connect(input), app, number: Number(written), stage: yield* stageOf(input) }
  })
