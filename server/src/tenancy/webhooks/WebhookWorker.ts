import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer } from "effect"
import { LeaseHolder } from "../../base/database/LeaseHolder.ts"
import { workLeased } from "../../base/database/leasedWork.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { Mail } from "../mail/Mail.ts"
import { deliverWebhook } from "./deliverWebhook.ts"
import { claimDelivery, type LeasedDelivery } from "./deliveryRows.ts"
import { makeSend, type SendOptions } from "./send.ts"

export interface WorkerOptions extends SendOptions {
  /** How long a server has for one attempt before another takes it. @default 60 seconds */
  readonly leaseMs?: number
  /** How often to poll, because a wake-up can be lost. @default 2 seconds */
  readonly lookMs?: number
  /** This server's concurrent deliveries. @default 64 */
  readonly concurrency?: number
}

/** Delivers what is queued for webhooks. Several servers share the work through leases. */
export const layer = ({ concurrency = 64, leaseMs = 60_000, lookMs = 2_000, ...options }: WorkerOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { current } = yield* LeaseHolder
      const keys = yield* DataKeys
      const mail = yield* Mail
      const send = yield* makeSend(options)
      yield* workLeased<LeasedDelivery>({
        name: "the queue of webhooks",
        wakeUp: "webhooks",
        lookMs,
        concurrency,
        drainMs: 5_000,
        claim: Effect.suspend(() => Effect.provideService(claimDelivery(leaseMs, current()?.id), SqlClient, sql)),
        work: (delivery) => Effect.provideService(deliverWebhook(keys, mail, send, leaseMs, delivery), SqlClient, sql)
      })
    })
  )
