import { Duplex } from "node:stream"
import { Effect } from "effect"
import { guardedBy } from "../../../base/node/guarded.ts"
import { type SocketBytes, webSocketBytes } from "../../../base/node/webSocketBytes.ts"
import type { ClusterSocket, KubeApi } from "../../kubeApi/KubeApi.ts"
import { kinds, pathOf } from "../../kubeApi/kinds.ts"
import { type PortRequest, RuntimeError, type ServiceKey } from "../../port/Runtime.ts"
import type { ClusterCache } from "../cache/ClusterCache.ts"
import type { PodObject } from "../cache/objects.ts"
import { podLogSource } from "../logs/podLog.ts"
import { isRunning, noInstance, toRuntimeError } from "./makeExec.ts"

/** The kubelet's protocol for one port: channel 0 is data, 1 is its error. The first message of each is the port in two bytes. */
const protocol = "v4.channel.k8s.io"
const portBytes = 2

/** Ports of Knative's queue-proxy in each pod: requests, admin, metrics, profiling. The program can't listen there. */
const sidecarPorts: ReadonlySet<number> = new Set([8008, 8012, 8013, 8022, 8112, 9090, 9091])

const refused = (message: string) => new RuntimeError({ reason: "refused", message })

/** Containers beside the program and Knative's queue-proxy. One of them that has ended still counts, because it may start again. */
const strangers = ({ containers, ephemeralContainers, initContainers }: PodObject["spec"]): number => {
  const sidecars = initContainers.filter(({ restartPolicy }) => restartPolicy === "Always")
  const own = containers.some(({ name }) => name === "queue-proxy") ? 2 : 1
  return containers.length - own + sidecars.length + ephemeralContainers.length
}

/** Why this port can't be reached; undefined if it can. The kubelet connects inside of the pod, to whichever container listens. */
export const portRefusal = (
  { spec }: Pick<PodObject, "spec">,
  { declaredPort, port }: Pick<PortRequest, "declaredPort" | "port">
): string | undefined => {
  if (port === declaredPort) return undefined
  if (sidecarPorts.has(port)) {
    return `Port ${port} of each instance belongs to Knative's queue-proxy, not to the program. Connect to a port of the program${declaredPort === undefined ? "" : `, such as ${declaredPort}`}.`
  }
  return strangers(spec) === 0
    ? undefined
    : `Other containers run in the instance beside the program, so only the service's own port${declaredPort === undefined ? "" : ` ${declaredPort}`} can be reached.`
}

/** A connection's end, for its faults. */
export interface PortTarget {
  readonly service: string
  readonly port: number
  /** The RuntimeClass of the pod; empty: none. */
  readonly runtimeClass: string
}

/**
 * What the kubelet says if nobody listens, in sentences. The container runtime dials in the pod's network namespace, but a class such as
 * gVisor has its own network stack: some of its versions refuse every port there.
 */
const connectFault = ({ port, runtimeClass, service }: PortTarget, text: string) => {
  if (!/connection refused/i.test(text)) return `The connection to port ${port} failed: ${text.slice(0, 300)}`
  const look = `\`maxcloud exec ${service} -- ss -tln\` shows which ports are open, if the image has \`ss\`.`
  return runtimeClass === ""
    ? `Nothing listens on port ${port} of the instance. ${look}`
    : `Port ${port} of the instance refused the connection. ${look} If it is open, the reason is the RuntimeClass "${runtimeClass}" of the instance, under which the cluster may not be able to connect to ports: run a client in the instance with \`maxcloud exec\`, or ask the server's operator to exempt your organization (\`MAXCLOUD_RUNTIME_CLASS=${runtimeClass},org_…=none\`).`
}

const normalClosure = 1000

/** The stream of a socket's data. It can't be half-closed: the protocol has no message for it, and its end is that of both directions. */
export const streamOf = (socket: ClusterSocket, target: PortTarget): Duplex => {
  const { port } = target
  const skipped = [0, 0]
  const guarded = guardedBy(() => socket.close())
  const connection = new Duplex({
    allowHalfOpen: false,
    read: () => socket.resume(),
    write: (chunk: Buffer, _, done) => {
      if (socket.readyState === socket.OPEN) socket.send(Buffer.concat([Buffer.of(0), chunk]), (error) => done(error))
      else done(new Error(`The instance closed the connection to port ${port}.`))
    },
    destroy: (error, done) => {
      // A paused socket doesn't notice the other side's close frame.
      socket.resume()
      socket.close()
      done(error)
    }
  })
  const onMessage = guarded((data: SocketBytes) => {
    const bytes = webSocketBytes(data)
    const channel = bytes[0] === 0 ? 0 : 1
    const skip = Math.min(portBytes - (skipped[channel] ?? 0), bytes.length - 1)
    skipped[channel] = (skipped[channel] ?? 0) + skip
    const rest = bytes.subarray(1 + skip)
    if (rest.length === 0 || connection.destroyed) return
    if (channel === 1) return connection.destroy(new Error(connectFault(target, rest.toString("utf8"))))
    if (!connection.push(rest)) socket.pause()
  })
  const onClose = guarded((code: number) => {
    if (connection.destroyed) return
    if (code === normalClosure) connection.push(null)
    else connection.destroy(new Error(`The cluster's connection to port ${port} broke (WebSocket code ${code}).`))
  })
  socket.on("message", onMessage)
  socket.once("close", onClose)
  return connection
}

/** Connects to a port of a running pod, through the API server's `portforward`. */
export const makeConnect =
  (api: KubeApi["Type"], cache: ClusterCache["Type"]) => (key: ServiceKey, request: PortRequest) =>
    Effect.gen(function* () {
      const all = cache.podsOf(key.namespace, key.service)
      const named = request.instance
      if (named !== undefined && !all.some((pod) => podLogSource(pod).instance === named && isRunning(pod))) {
        return yield* new RuntimeError({
          reason: "refused",
          missing: "instance",
          message: `"${key.service}" has no running instance "${named}". Leave out --instance to connect to another one.`
        })
      }
      const revisionOf = (pod: PodObject) => podLogSource(pod).revision
      const [pod] = all
        .filter((each) => isRunning(each) && (named === undefined || podLogSource(each).instance === named))
        .sort((a, b) => (revisionOf(a) < revisionOf(b) ? 1 : -1))
      if (pod === undefined) return yield* noInstance(key)
      const refusal = portRefusal(pod, request)
      if (refusal !== undefined) return yield* refused(refusal)
      const { instance } = podLogSource(pod)
      const socket = yield* api
        .socket(
          `${pathOf(kinds.pod, key.namespace, instance)}/portforward`,
          [["ports", String(request.port)]],
          [protocol]
        )
        .pipe(Effect.mapError(toRuntimeError))
      const connection = yield* Effect.acquireRelease(
        Effect.sync(() =>
          streamOf(socket, { service: key.service, port: request.port, runtimeClass: pod.spec.runtimeClassName })
        ),
        (stream) => Effect.sync(() => stream.destroy())
      )
      return { connection, instance }
    })
