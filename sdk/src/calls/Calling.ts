import { Effect, Redacted } from "effect"
import { isOptions } from "../input/options.ts"
import { type Connection, makeConnection } from "../transport/connection.ts"
import type { ClientHost, ConnectionOptions } from "../transport/transport.ts"

/** The type of secrets: redacted in the client with Effects, plain text in the client with promises. */
export type AnySecret = string | Redacted.Redacted<string>

/** Anything else stays unchanged, so that the contract's schema reports it. */
export const textOf = (secret: AnySecret): string => (Redacted.isRedacted(secret) ? Redacted.value(secret) : secret)

/** Access to a server, for the calls. */
export interface Calling extends Omit<Connection, "api" | "anonymousApi"> {
  readonly connection: Connection
  readonly api: Effect.Effect.Success<Connection["api"]>
  /** For calls without a credential: a stale one must not prevent getting a new one. */
  readonly anonymous: Effect.Effect.Success<Connection["anonymousApi"]>
}

export const callingOf = (options: ConnectionOptions, host: ClientHost): Effect.Effect<Calling> => {
  const connection = makeConnection(options, host)
  return Effect.map(Effect.all({ api: connection.api, anonymous: connection.anonymousApi }), (clients) => ({
    ...connection,
    ...clients,
    connection
  }))
}

/** Removes undefined fields: absent and undefined mean the same here. */
export const given = (fields: object): object =>
  // Not every caller uses types. The contract's schema refuses anything but an object.
  isOptions(fields) ? Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) : fields
