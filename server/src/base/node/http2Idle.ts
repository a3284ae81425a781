import type { Http2Session, Http2Stream } from "node:http2"

/**
 * Calls `onIdle` once a session has had no open stream for `ms`. Streams are told to what it returns. Not by `session.setTimeout`: Node (24)
 * doesn't clear its timer when a session is destroyed, so it would be kept in memory for `ms` more.
 */
export const whenIdle = (session: Http2Session, ms: number, onIdle: () => void): ((stream: Http2Stream) => void) => {
  let open = 0
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const start = () => {
    if (!session.destroyed) timer = setTimeout(onIdle, ms).unref()
  }
  start()
  session.once("close", stop)
  return (stream) => {
    open++
    stop()
    stream.once("close", () => {
      if (--open === 0) start()
    })
  }
}
