import { Effect, Redacted } from "effect"
import { isOptions } from "../input/options.ts"
import { type Connection, makeConnection } from "../transport/connection.ts"
import type { ClientHost, ConnectionOptions } from "../transport/transport.ts"

/** The type of secrets in a client: redacted in the one with Effects, plain text in the one with promises. */
export type AnySecret = string | Redacted.Redacted<string>

/** As it is where it's neither: the contract's schema then says what is wrong with it. */
export const textOf = (secret: AnySecret): string => (Redacted.isRedacted(secret) ? Redacted.value(secret) : secret)

/** A server, for those that call it. */
export interface Calling extends Omit<Connection, "api" | "anonymousApi"> {
  readonly connection: Connection
  readonly api: Effect.Effect.Success<Connection["api"]>
  /** For what is asked without a credential: a stale one must not be in the way of getting another. */
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

/** Without the fields that were left out: absent and undefined are one here. */
export const given = (fields: object): object =>
  // Not every caller has types: the contract's schema refuses anything but an object.
  isOptions(fields) ? Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) : fields
