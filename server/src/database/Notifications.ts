import { PgClient } from "@effect/sql-pg"
import { Context, Duration, Effect, Layer, PubSub, type Queue, Redacted, type Scope } from "effect"
import pg from "pg"

const channel = "maxcloud"

/** `work`: the queue has something; `mail`: the outbox has; `deployment <id>`: it has new events; `reconnected`: any may have been missed. */
export type Notification = "work" | "mail" | "reconnected" | `deployment ${string}`

/** Wake-ups between all servers of a database, by LISTEN and NOTIFY. They may be lost: whoever waits for one also looks now and then. */
export class Notifications extends Context.Tag("@maxcloud/server/Notifications")<
  Notifications,
  {
    /** Those sent from now on. */
    readonly subscribe: Effect.Effect<Queue.Dequeue<string>, never, Scope.Scope>
    /** Inside a transaction: sent when it commits. */
    readonly notify: (notification: Notification) => Effect.Effect<void>
  }
>() {}

const listen = (config: PgClient.PgClientConfig, onMessage: (payload: string) => void) =>
  Effect.async<void>((resume) => {
    const client = new pg.Client({
      ...(config.url === undefined ? {} : { connectionString: Redacted.value(config.url) }),
      ...(config.host === undefined ? {} : { host: config.host }),
      ...(config.port === undefined ? {} : { port: config.port }),
      ...(config.database === undefined ? {} : { database: config.database }),
      ...(config.username === undefined ? {} : { user: config.username }),
      ...(config.password === undefined ? {} : { password: Redacted.value(config.password) }),
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

export const layer = Layer.scoped(
  Notifications,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const messages = yield* PubSub.sliding<string>(4096)
    yield* listen(sql.config, (payload) => messages.unsafeOffer(payload)).pipe(
      Effect.andThen(Effect.sleep(Duration.millis(500))),
      Effect.forever,
      Effect.forkScoped
    )
    return {
      subscribe: PubSub.subscribe(messages),
      notify: (notification) => sql`select pg_notify(${channel}, ${notification})`.pipe(Effect.ignore)
    }
  })
)
