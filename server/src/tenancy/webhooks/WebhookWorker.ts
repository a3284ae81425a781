import { SqlClient } from "@effect/sql/SqlClient"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer, Schedule, Schema, Stream } from "effect"
import { workLeased } from "../../base/database/leasedWork.ts"
import { Notifications } from "../../base/database/Notifications.ts"
import { asServer } from "../../base/database/RowScope.ts"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { watchOver } from "../../base/node/keepDoing.ts"
import { newestSequence } from "../events/numberEvents.ts"
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

const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: OrganizationId })))

/** Numbers events that nobody has read yet, in organizations with a webhook, which queues them. */
const numberEvents = Effect.gen(function* () {
  const sql = yield* SqlClient
  const waiting = decodeIds(
    yield* sql`
      select distinct e.organization_id as id from events e
      join webhooks w on w.organization_id = e.organization_id where e.sequence is null limit 100`
  )
  for (const { id } of waiting) yield* newestSequence(id)
}).pipe(asServer)

const queueing = (lookMs: number) =>
  Effect.gen(function* () {
    const messages = yield* Notifications.pipe(Effect.flatMap((found) => found.subscribe))
    const watched = watchOver("queueing of events for webhooks")
    yield* Stream.fromQueue(messages).pipe(
      Stream.filter((message) => message.startsWith("events ") || message === "reconnected"),
      Stream.merge(Stream.fromSchedule(Schedule.spaced(lookMs))),
      Stream.buffer({ capacity: 1, strategy: "sliding" }),
      Stream.runForEach(() => watched(numberEvents)),
      Effect.forkScoped
    )
  })

/** Queues events for webhooks, and delivers them. Several servers share the work through leases. */
export const layer = ({ concurrency = 64, leaseMs = 60_000, lookMs = 2_000, ...options }: WorkerOptions) =>
  Layer.scopedDiscard(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys
      const mail = yield* Mail
      const send = yield* makeSend(options)
      yield* queueing(lookMs)
      yield* workLeased<LeasedDelivery>({
        name: "the queue of webhooks",
        wakeUp: "webhooks",
        lookMs,
        concurrency,
        drainMs: 5_000,
        claim: Effect.provideService(claimDelivery(leaseMs), SqlClient, sql),
        work: (delivery) => Effect.provideService(deliverWebhook(keys, mail, send, leaseMs, delivery), SqlClient, sql)
      })
    })
  )
