import { Effect, Layer } from "effect"
import * as PostgresDeployments from "../deployments/PostgresDeployments.ts"
import { makeWorkQueue } from "../deployments/queue/WorkQueue.ts"
import * as Reconciler from "../deployments/Reconciler.ts"
import * as PostgresSuspensions from "../deployments/suspension/PostgresSuspensions.ts"
import * as PostgresServices from "./PostgresServices.ts"

export type { ReconcilerOptions } from "../deployments/Reconciler.ts"

/**
 * `Deployments`, `Services` and `Suspensions`, with the workers that carry out deployments. They need the database, `Secrets`
 * (`stores/secrets/SealedSecrets.ts`), a `Runtime` and the `Platform`.
 */
export const layer = (options: Reconciler.ReconcilerOptions = {}) =>
  Layer.unwrapEffect(
    Effect.map(makeWorkQueue(), (queue) =>
      Layer.mergeAll(
        PostgresDeployments.layer(queue),
        PostgresServices.layer,
        PostgresSuspensions.layer(queue),
        Reconciler.layer(queue, options)
      )
    )
  )
