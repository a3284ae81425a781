import type { Http2Session, Http2Stream } from "node:http2"
import { guardedBy } from "./guarded.ts"

let kHandle: symbol | undefined

const handleOf = (owner: object): object | undefined => {
  kHandle ??= Object.getOwnPropertySymbols(owner).find(({ description }) => description === "kHandle")
  const handle: unknown = kHandle === undefined ? undefined : Reflect.get(owner, kHandle)
  return typeof handle === "object" && handle !== null ? handle : undefined
}

/** Its callback only has to exist: the session is released once the stream's handle has been collected. */
const collected = new FinalizationRegistry<object>(() => {})

/**
 * Keeps a session's native handle alive as long as that of its stream. Node aborts (`current_nghttp2_memory_ == 0` in
 * `~Http2Session`) if one garbage collection frees both, the session first, while the stream still holds fields of a
 * head that was cut off. A peer can cause that. See nodejs/node#39951 for the mechanism.
 */
export const outliveStream = (session: Http2Session | undefined, stream: Http2Stream): void => {
  if (session === undefined) return
  const hold = () => {
    const handle = handleOf(stream)
    const held = handleOf(session)
    if (handle !== undefined && held !== undefined) collected.register(handle, held)
  }
  // A client's stream gets its handle with its connection.
  if (stream.pending) stream.once("ready", guardedBy(() => {})(hold))
  else hold()
}
