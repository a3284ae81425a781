import { SqlClient } from "@effect/sql/SqlClient"
import { Context, Effect, Layer, PubSub, type Queue, type Scope } from "effect"
import pg from "pg"
import { keepDoing } from "../node/keepDoing.ts"
import { channel, type Notification, notifying } from "./notifying.ts"

/** Wake-ups between all servers of a database, by LISTEN and NOTIFY. They can be lost, so every listener also polls. */
export class Notifications extends Context.Tag("@maxcloud/server/Notifications")<
  Notifications,
  {
    /** Notifications sent from now on. */
    readonly subscribe: Effect.Effect<Queue.Dequeue<string>, never, Scope.Scope>
    /** Inside a transaction: sent on commit. */
    readonly notify: (notification: Notification) => Effect.Effect<void>
  }
>() {}

const listen = (config: pg.ClientConfig, onMessage: (payload: string) => void) =>
  Effect.async<void>((resume) => {
    const client = new pg.Client({
      ...config,
      keepAlive: true,
      application_name: "maxcloud-listen"
    })
    const ended = () => resume(Effect.void)
    client.on("error", ended)
    client.on("end", ended)
    client.on("notification", (message) => onMessage(message.payload ?? ""))
    client
      .connect()
      .then(() => client.query(`LISTEN ${channel}`))
      .then(() => onMessage("reconnected"), ended)
    return Effect.sync(() => {
      client.removeAllListeners("end")
      client.end().catch(() => {})
    })
  })

export const layer = (config: pg.ClientConfig) =>
  Layer.scoped(
    Notifications,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const messages = yield* PubSub.sliding<string>(4096)
      yield* keepDoing(
        "wake-ups between servers",
        "500 millis",
        listen(config, (payload) => messages.unsafeOffer(payload))
      )
      return {
        subscribe: PubSub.subscribe(messages),
        notify: (notification) => sql`select ${notifying(sql, notification)}`.pipe(Effect.ignore)
      }
    })
  )
