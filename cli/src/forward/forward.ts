import { createServer, type Socket } from "node:net"
import { Duplex } from "node:stream"
import { finished } from "node:stream/promises"
import type { CallError, PortConnection } from "@maxcloud/sdk/effect"
import { Effect, Queue, type Scope } from "effect"
import { CommandFailed, UsageError } from "../errors/failure.ts"
import { reportOf } from "../output/report.ts"

export interface Ports {
  /** 0: any free one. */
  readonly local: number
  readonly remote: number
}

const mostPort = 65_535

/** Parses `8080` or `8080:80`. */
export const parsePorts = (written: string): Effect.Effect<Ports, UsageError> => {
  const [, local, remote] = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(written) ?? []
  const ports = { local: Number(local ?? remote), remote: Number(remote) }
  return ports.remote >= 1 && ports.remote <= mostPort && ports.local <= mostPort
    ? Effect.succeed(ports)
    : new UsageError({
        message: `"${written}" isn't a port`,
        fix: "use a port such as 8080, or a local and a remote one such as 8080:80"
      })
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "another program listens there",
  EACCES: "only root may listen on it",
  EADDRNOTAVAIL: "this machine doesn't have the address"
}

/** Listens until the scope closes. */
export const listenOn = (address: string, { local, remote }: Ports, service: string) =>
  Effect.gen(function* () {
    const connections = yield* Queue.unbounded<Socket>()
    const port = yield* Effect.acquireRelease(
      Effect.async<{ readonly port: number; readonly close: () => void }, CommandFailed>((resume) => {
        const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
          // A broken connection ends its own forwarding only, which listens too.
          socket.on("error", () => socket.destroy())
          Queue.unsafeOffer(connections, socket)
        })
        server.once("error", (error: NodeJS.ErrnoException) =>
          resume(
            new CommandFailed({
              tag: "CannotListen",
              exit: 1,
              message: `Couldn't listen on ${address}:${local}: ${reasons[error.code ?? ""] ?? error.message}`,
              fix: `use another port, such as \`maxcloud port-forward ${service} 0:${remote}\` for a free one`,
              details: [],
              data: {}
            })
          )
        )
        server.listen(local, address, () => {
          const found = server.address()
          resume(
            Effect.succeed({
              port: typeof found === "object" && found !== null ? found.port : local,
              close: () => void server.close()
            })
          )
        })
      }),
      (server) => Effect.sync(() => server.close())
    )
    return { connections, port: port.port }
  })

/** Faults that every later connection would have, too. */
const isFinal = (error: CallError) =>
  error._tag === "Unauthenticated" || error._tag === "Forbidden" || error._tag === "NotFound"

/** Copies both directions until both have ended, or one fails. */
const join = (socket: Socket, connection: PortConnection) =>
  Effect.async<void, unknown>((resume) => {
    const remote = Duplex.fromWeb(connection, { allowHalfOpen: true })
    // Their errors are those of `finished`.
    remote.on("error", () => {})
    socket.pipe(remote).pipe(socket)
    Promise.all([finished(socket), finished(remote)]).then(
      () => resume(Effect.void),
      (error: unknown) => resume(Effect.fail(error))
    )
    return Effect.sync(() => {
      remote.destroy()
      socket.destroy()
    })
  })

/** A broken local connection is its program's own decision. */
const isCallError = (error: unknown): error is CallError =>
  typeof error === "object" && error !== null && "_tag" in error && reportOf(error) !== undefined

/** Forwards each connection. Fails with the first fault that later connections would have, too; others are told. */
export const forwardTo = (
  open: Effect.Effect<PortConnection, CallError, Scope.Scope>,
  connections: Queue.Dequeue<Socket>,
  tell: (line: string) => void
): Effect.Effect<never, CallError> => {
  const one = (socket: Socket) =>
    Effect.flatMap(open, (connection) => join(socket, connection)).pipe(
      Effect.scoped,
      Effect.catchAll((error) => {
        // Not an ordinary end, which would make a truncated answer look whole.
        socket.resetAndDestroy()
        if (!isCallError(error)) return Effect.void
        if (isFinal(error)) return Effect.fail(error)
        // The local program has closed its connection, as far as one can see here.
        if (error._tag === "RequestTimeout" && socket.readableEnded) return Effect.void
        return Effect.sync(() => tell(`a connection failed: ${reportOf(error)?.message ?? error._tag}`))
      }),
      Effect.ensuring(Effect.sync(() => socket.destroy()))
    )
  return Effect.gen(function* () {
    const failed = yield* Queue.unbounded<CallError>()
    const accepting = Effect.forever(
      Effect.flatMap(Queue.take(connections), (socket) =>
        Effect.fork(Effect.catchAll(one(socket), (error) => Queue.offer(failed, error)))
      )
    )
    return yield* Effect.raceFirst(accepting, Effect.flatMap(Queue.take(failed), Effect.fail))
  })
}
