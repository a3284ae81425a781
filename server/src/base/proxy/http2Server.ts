import { createServer, type Http2Server, type ServerHttp2Session } from "node:http2"
import type { Fault } from "../node/guarded.ts"
import { outliveStream } from "../node/http2Handles.ts"
import { whenIdle } from "../node/http2Idle.ts"
import { guardedFor } from "./connectionGuards.ts"
import { http2HeadOptions } from "./http2Heads.ts"
import type { ListenerHandlers } from "./Listener.ts"

const idleMs = 300_000

export const makeHttp2Server = (): Http2Server =>
  createServer({
    ...http2HeadOptions,
    settings: { ...http2HeadOptions.settings, initialWindowSize: 1024 * 1024, maxConcurrentStreams: 1_000 }
  })

/** Passes a server's streams to the handler. Returns the open sessions. */
export const handleHttp2 = (
  http2: Http2Server,
  onStream: ListenerHandlers["onStream"],
  onFault: Fault | undefined
): ReadonlySet<ServerHttp2Session> => {
  const sessions = new Set<ServerHttp2Session>()
  http2.on("session", (session) => {
    const guarded = guardedFor(session, onFault)
    sessions.add(session)
    session.on(
      "close",
      guarded(() => sessions.delete(session))
    )
    session.on(
      "error",
      guarded(() => session.destroy())
    )
    const opened = whenIdle(
      session,
      idleMs,
      guarded(() => session.close())
    )
    session.on("stream", guarded(opened))
  })
  http2.on("stream", (stream, headers, flags, raw) =>
    guardedFor(
      stream,
      onFault
    )(() => {
      outliveStream(stream.session, stream)
      onStream(stream, headers, flags, raw)
    })()
  )
  return sessions
}
