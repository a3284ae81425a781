import type { Http2Session, Http2Stream } from "node:http2"

/**
 * Calls `onIdle` once a session has had no open stream for `ms`. Pass each stream to the returned function. Doesn't use
 * `session.setTimeout`: Node (24) keeps its timer when a session is destroyed, so the session would stay in memory for
 * another `ms`.
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
