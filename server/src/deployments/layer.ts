import type { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer } from "effect"
import type { DatabaseError } from "../database/Database.ts"
import type { Notifications } from "../database/Notifications.ts"
import type { Organizations } from "../organizations/Organizations.ts"
import type { Runtime } from "../runtime/Runtime.ts"
import type { Secrets } from "../secrets/Secrets.ts"
import type { Services } from "../services/Services.ts"
import type { Deployments } from "./Deployments.ts"
import type { Platform } from "./Platform.ts"

export interface ReconcilerOptions {
  /** Deployments carried out at a time. @default 4 */
  readonly workers?: number
  /** How long a deployment's services may take to become ready, in milliseconds. @default 600_000 */
  readonly progressDeadlineMs?: number
}

/**
 * Takes deployments and carries them out. Below it stand `Database.layer`, `SealedSecrets.layer({ dataDir })` (secrets/SealedSecrets.ts,
 * needs the database), `Organizations.layer`, and a runtime.
 */
export const layer = (
  _options: ReconcilerOptions = {}
): Layer.Layer<
  Deployments | Services,
  DatabaseError,
  SqlClient | Notifications | Runtime | Secrets | Organizations | Platform
> => Layer.unwrapEffect(Effect.dieMessage("not written yet"))
