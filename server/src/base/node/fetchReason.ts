/** Why `fetch` failed: the network's reason is in the error's cause. */
export const fetchReason = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error && cause.cause.message !== "" ? cause.cause.message : cause.message
}
