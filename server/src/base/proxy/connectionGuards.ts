import type { IncomingMessage } from "node:http"
import { type Fault, guardedBy, trying } from "../node/guarded.ts"

/** Wraps callbacks of one connection or stream: an exception ends it. */
export const guardedFor = (connection: { readonly destroy: () => unknown }, onFault: Fault | undefined) =>
  guardedBy((cause) => {
    trying(() => connection.destroy())
    onFault?.(cause)
  })
export type Guarded = ReturnType<typeof guardedFor>

/** Wraps callbacks of a server whose events bring a request: an exception ends the request's own connection. */
export const guardedByRequest =
  (onFault: Fault | undefined) =>
  <A extends ReadonlyArray<unknown>>(
    handle: (request: IncomingMessage, ...rest: A) => void
  ): ((request: IncomingMessage, ...rest: A) => void) =>
  (request, ...rest) =>
    guardedFor(request.socket, onFault)(() => handle(request, ...rest))()
