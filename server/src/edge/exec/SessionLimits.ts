import { RequestTimeout } from "@maxcloud/sdk/api"
import { Context, Duration } from "effect"

/** How long the sessions of `exec` and `port-forward` may be quiet, in milliseconds. */
export interface Limits {
  /** No byte in either direction. */
  readonly idleMs: number
  /** How often to ping the client. It must have answered the ping before. */
  readonly pingMs: number
  /** No byte after the client's end of a TCP connection. */
  readonly halfOpenMs: number
}

export const defaultSessionLimits: Limits = { idleMs: 30 * 60_000, pingMs: 20_000, halfOpenMs: 10_000 }

export class SessionLimits extends Context.Reference<SessionLimits>()("@maxcloud/server/SessionLimits", {
  defaultValue: () => defaultSessionLimits
}) {}

const timeText = (millis: number) => Duration.format(Duration.millis(millis))

/** Not `Forbidden`: the caller may connect again. */
export const idleEnd = ({ idleMs }: Limits, what: "session" | "connection") =>
  new RequestTimeout({ detail: `Nothing was sent for ${timeText(idleMs)}, so the ${what} ended.` })

export const halfOpenEnd = ({ halfOpenMs }: Limits) =>
  new RequestTimeout({
    detail: `You ended your side of the connection, and the instance sent nothing for ${timeText(halfOpenMs)} after that, so it ended.`
  })
