import { Duration, Effect } from "effect"
import pg from "pg"
import { type SystemFault, systemFaultOf } from "../host/systemFault.ts"
import { endWithin } from "../node/endWithin.ts"
import { Session, settingsOf } from "./Session.ts"
import { AllInUse, waitMillis } from "./Shares.ts"

export interface PoolLimits {
  /** The maximum number of connections. @default 12 */
  readonly connections?: number | undefined
  /** How long a statement may run. @default 30 s */
  readonly statementTimeout?: Duration.Duration | undefined
}

const connectMillis = 5_000
const idleInTransactionMillis = 60_000
/** Longer than the database's own limit, so only a connection that has gone silent reaches it. */
const silenceMillis = 5_000

/** Reaching Postgres has its own, shorter limit than waiting for a connection in use. */
class PromptClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    // The pool hides the password from enumeration.
    super(
      typeof config === "object"
        ? { ...config, password: config.password, connectionTimeoutMillis: connectMillis }
        : config
    )
  }
}

/**
 * Connections that show no organization's rows until a session names one. Neither a statement nor an idle transaction
 * can hold one forever.
 */
export const makePool = (config: pg.ClientConfig, { connections = 12, statementTimeout }: PoolLimits) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const statementMillis = Duration.toMillis(statementTimeout ?? Duration.seconds(30))
      const pool = new pg.Pool({
        ...config,
        keepAlive: true,
        application_name: "maxcloud",
        max: connections,
        connectionTimeoutMillis: waitMillis,
        query_timeout: statementMillis + silenceMillis,
        Client: PromptClient,
        // Not as startup options, which poolers in between refuse. Temporary tables come last, or they would shadow
        // ours.
        onConnect: (client) =>
          client.query(
            `${settingsOf("none")}; set search_path = public, pg_temp; set statement_timeout = ${statementMillis};
             set idle_in_transaction_session_timeout = ${idleInTransactionMillis}`
          )
      })
      pool.on("error", () => {})
      // The statement that waits for its answer gets the error.
      pool.on("connect", (client) => client.on("error", () => {}))
      return pool
    }),
    (pool) => Effect.promise(() => pool.end()).pipe(endWithin("1 second"))
  )

/** How long to assume that the cause of a refusal persists. */
const troubleMillis = 30_000
const troubles = new WeakMap<pg.Pool, { readonly fault: SystemFault; readonly at: number }>()

/** Remembers why the database refused a statement, if somebody has to fix it. */
export const noteFault = (pool: pg.Pool, cause: unknown): void => {
  const fault = systemFaultOf(cause)
  if (fault !== undefined && (!fault.passes || fault.kind === "readOnly")) {
    troubles.set(pool, { fault, at: performance.now() })
  }
}

/** A write succeeded, so the cause of earlier refusals is over. */
export const noteWrite = (pool: pg.Pool): void => void troubles.delete(pool)

/** Why statements are currently refused, as far as any was sent. */
export const troubleOf = (pool: pg.Pool): SystemFault | undefined => {
  const trouble = troubles.get(pool)
  return trouble !== undefined && performance.now() - trouble.at < troubleMillis ? trouble.fault : undefined
}

const sessions = new WeakMap<pg.PoolClient, Session>()

/** The pool's own message if no connection was free in time. */
const isWait = (error: Error) => error.message === "timeout exceeded when trying to connect"

/** Passes a connection of the pool to `use`, which has to release it. Returns a function that cancels the request. */
export const checkOut = (pool: pg.Pool, use: (error: Error | undefined, session?: Session) => void): (() => void) => {
  let wanted = true
  pool.connect((error, client) => {
    if (!wanted) {
      client?.release()
      return
    }
    if (error || client === undefined) {
      use(error === undefined ? new Error("no connection was given") : isWait(error) ? new AllInUse() : error)
      return
    }
    const session = sessions.get(client) ?? new Session(client, "none")
    sessions.set(client, session)
    use(undefined, session)
  })
  return () => {
    wanted = false
  }
}

/**
 * Cancels the statement that runs on a connection, if another connection is free to do so. Otherwise the statement's own
 * timeout ends it. Best effort. It never hits a later statement, because the effect waits for the result.
 */
export const cancel = (pool: pg.Pool, { client }: Session): Effect.Effect<void> =>
  Effect.suspend(() =>
    "processID" in client &&
    typeof client.processID === "number" &&
    !pool.ending &&
    (pool.idleCount > 0 || pool.totalCount < pool.options.max)
      ? Effect.promise(() => pool.query("select pg_cancel_backend($1)", [client.processID]).catch(() => {})).pipe(
          Effect.asVoid
        )
      : Effect.void
  )
