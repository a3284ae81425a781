import { connect, type Socket } from "node:net"
import { Effect } from "effect"
import { guardedBy } from "../../base/node/guarded.ts"
import { NoInstance } from "../../base/proxy/Route.ts"
import { type PortRequest, RuntimeError, type ServiceKey } from "../port/Runtime.ts"
import type { ServiceController } from "./controller/ServiceController.ts"
import type { Instance } from "./instances/Instance.ts"

const refused = (message: string) => new RuntimeError({ reason: "refused", message })

const connectMs = 10_000

/**
 * The port on this machine that leads to an instance's port. Only its own ports: any other port of this machine's loopback belongs
 * to somebody else.
 */
const ownPort = ({ port, published }: Instance, request: PortRequest): number | undefined =>
  request.port === request.declaredPort || request.port === port
    ? port
    : published?.find(({ declaredPort }) => declaredPort === request.port)?.port

const unreachable = ({ service }: ServiceKey, { published = [] }: Instance, { declaredPort, port }: PortRequest) => {
  const own = `the service's own port${declaredPort === undefined ? "" : ` ${declaredPort}`}`
  const others = published.map((each) => each.declaredPort).filter((each) => each !== declaredPort)
  const exposed = others.length === 0 ? "" : ` (${others.toSorted((one, other) => one - other).join(", ")})`
  return `Port ${port} of "${service}" can't be reached: on the local runtime only ${own}, and the ports that its image exposes${exposed}.`
}

const connected = (host: string, port: number, request: PortRequest) =>
  Effect.acquireRelease(
    Effect.async<Socket, RuntimeError>((resume) => {
      const socket = connect({ host, port, allowHalfOpen: true, noDelay: true, timeout: connectMs })
      const failed = (why: string) => {
        socket.destroy()
        resume(refused(`Nothing answers on port ${request.port} of the instance (${why}).`))
      }
      const guarded = guardedBy((cause) => failed(String(cause)))
      const onError = guarded((error: Error) => failed(error.message))
      const onTimeout = guarded(() => failed("it doesn't accept the connection"))
      const onConnect = guarded(() => {
        socket.setTimeout(0).off("timeout", onTimeout).off("error", onError)
        // Later errors end the stream: its reader listens to them.
        socket.on(
          "error",
          guarded(() => socket.destroy())
        )
        resume(Effect.succeed(socket))
      })
      socket.once("error", onError).once("timeout", onTimeout).once("connect", onConnect)
      return Effect.sync(() => socket.destroy())
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

/**
 * Connects to a port of an instance. As a request does, it starts a service at zero, and keeps the instance as long as the
 * connection is open. A named instance must be running, and isn't kept.
 */
export const makeLocalConnect =
  (find: (key: ServiceKey) => ServiceController | undefined) => (key: ServiceKey, request: PortRequest) =>
    Effect.gen(function* () {
      const controller = find(key)
      if (controller === undefined) return yield* refused(`The service "${key.service}" isn't deployed yet.`)
      const id =
        request.instance ??
        (yield* Effect.acquireRelease(
          Effect.tryPromise({
            try: async (signal) => controller.route.acquire(signal),
            catch: (cause) => refused(cause instanceof NoInstance ? cause.message : String(cause))
          }),
          (found) => Effect.sync(() => found.release())
        )).id
      const instance = controller.instance(id)
      if (instance === undefined) {
        return yield* request.instance === undefined
          ? refused(`The instance of "${key.service}" has just ended. Try again.`)
          : new RuntimeError({
              reason: "refused",
              missing: "instance",
              message: `"${key.service}" has no running instance "${id}". Leave out --instance to connect to another one.`
            })
      }
      const port = ownPort(instance, request)
      if (port === undefined) return yield* refused(unreachable(key, instance, request))
      return { connection: yield* connected(instance.host, port, request), instance: instance.id }
    })
