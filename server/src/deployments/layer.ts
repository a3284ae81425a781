import { Effect, Layer } from "effect"
import * as PostgresServices from "../services/PostgresServices.ts"
import * as PostgresDeployments from "./PostgresDeployments.ts"
import * as Reconciler from "./Reconciler.ts"
import { makeWorkQueue } from "./WorkQueue.ts"

export type { ReconcilerOptions } from "./Reconciler.ts"

/**
 * `Deployments` and `Services`, and what carries deployments out. Below it stand the database, `Secrets`
 * (`secrets/SealedSecrets.ts`), a `Runtime` and the `Platform`.
 */
export const layer = (options: Reconciler.ReconcilerOptions = {}) =>
  Layer.unwrapEffect(
    Effect.map(makeWorkQueue({ leaseMs: Reconciler.leaseMs }), (queue) =>
      Layer.mergeAll(PostgresDeployments.layer(queue), PostgresServices.layer, Reconciler.layer(queue, options))
    )
  )
