import type { Duplex } from "node:stream"
import { type Fault, guardedBy, trying } from "../node/guarded.ts"

/** How long two joined connections may stay idle. */
export interface TunnelLimits {
  /** Milliseconds without a byte in either direction; 0: no limit. */
  readonly idleMs: number
  /** Milliseconds from one side's end to the end of both. */
  readonly halfOpenMs: number
}

/** An idle time of 0: no limit. TCP's keepalive detects a dead peer. */
export const tunnelLimits = (idleSeconds: number): TunnelLimits => ({ idleMs: idleSeconds * 1_000, halfOpenMs: 30_000 })

/** An hour, like Envoy's for TCP. */
export const defaultTunnelLimits = tunnelLimits(3_600)

const pairOf = (caller: Duplex, instance: Duplex) =>
  [
    [caller, instance],
    [instance, caller]
  ] as const

/**
 * Joins two connections: data from one side goes to the other, and so does its end. Once one side has ended, the other
 * has a limited time to send the rest. `onEnd` is called once, when both have closed.
 */
export const joinSockets = (
  caller: Duplex,
  instance: Duplex,
  limits: TunnelLimits,
  fault: Fault,
  onEnd: () => void
): void => {
  const end = () => {
    caller.destroy()
    instance.destroy()
  }
  const guarded = guardedBy((cause) => {
    trying(end)
    fault(cause)
  })
  let idleTimer: NodeJS.Timeout | undefined
  let halfOpenTimer: NodeJS.Timeout | undefined
  let open = 2
  const onHalfOpen = guarded(() => {
    halfOpenTimer ??= setTimeout(guarded(end), limits.halfOpenMs)
  })
  if (limits.idleMs > 0) idleTimer = setTimeout(guarded(end), limits.idleMs)
  caller.allowHalfOpen = true
  instance.allowHalfOpen = true
  // Before the listeners: `pipe` pauses its source when the other side closes, and a paused connection's end goes
  // unnoticed.
  for (const [from, to] of pairOf(caller, instance)) from.pipe(to)
  for (const [from, to] of pairOf(caller, instance)) {
    const moved = guarded(() => void idleTimer?.refresh())
    from.on("data", moved)
    from.on("end", onHalfOpen)
    from.on("error", guarded(end))
    from.on(
      "close",
      guarded(() => {
        onHalfOpen()
        // Closes it, after the data written before.
        to.end()
        to.resume()
        if (--open > 0) return
        clearTimeout(idleTimer)
        clearTimeout(halfOpenTimer)
        onEnd()
      })
    )
  }
}
