import { errorCode } from "../node/errorCode.ts"

/** The SQLSTATE of Postgres's refusal (its appendix A); undefined if it didn't answer. */
export const stateOf = (cause: unknown): string | undefined => {
  const code = errorCode(cause)
  // The system's codes begin with E (EPIPE), and no class of SQLSTATE does.
  return code !== undefined && /^(?!E)[0-9A-Z]{5}$/.test(code) ? code : undefined
}

/**
 * The connection broke or was never made: connection exceptions (08), shutting down or starting up (57P), too many
 * connections (53300). An error without a SQLSTATE never came from the database.
 */
export const isBroken = (cause: unknown): boolean => {
  const state = stateOf(cause)
  return state === undefined || /^(08|57P|53300)/.test(state)
}

/** The server is a replica now, or in read-only mode: a new connection may lead to the primary. */
export const isReadOnly = (cause: unknown): boolean => stateOf(cause) === "25006"

/**
 * Temporary faults: a broken connection, out of disk, memory or connections (53), a failing disk (58), a time limit
 * (57014, 55P03, 25P03), a transaction aborted in favor of another (40), or a read-only server (25006).
 */
export const isPassing = (cause: unknown): boolean =>
  isBroken(cause) || isReadOnly(cause) || /^(53|58|40|57014|55P03|25P03)/.test(stateOf(cause) ?? "")

/**
 * The database rejects the statement's input: its data (22), a constraint (23) or its size (54). Waiting doesn't fix
 * that.
 */
export const isRefusedData = (cause: unknown): boolean => /^(22|23|54)/.test(stateOf(cause) ?? "")

/** The connection broke during COMMIT. We don't know whether it succeeded, so the transaction must not be retried. */
export class CommitUnknown extends Error {
  override readonly name = "CommitUnknown"
}

/** Known to be broken before anything was sent on it. */
export const isUnsent = (cause: unknown): boolean =>
  cause instanceof Error && cause.message.startsWith("Client has encountered a connection error")
