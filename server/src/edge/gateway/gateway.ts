import { Deferred, Effect, type Scope, Stream } from "effect"
import { faultLog } from "../../base/node/faultLog.ts"
import { report, startAtZero } from "../../base/telemetry/processMetrics.ts"
import { KubeApi, type WatchEvent } from "../../runtimes/kubeApi/KubeApi.ts"
import { kinds } from "../../runtimes/kubeApi/kinds.ts"
import { type Authorizer, type GatewayError, makeAuthorizer } from "./Authorizer.ts"
import { makeMetricsServer } from "./metricsServer.ts"
import { makeTenantNetwork, readNamespace, readPod, readService } from "./TenantNetwork.ts"

const ours = "app.kubernetes.io/managed-by=maxcloud"

export interface Gateway extends Authorizer {
  /** The port of `/metrics`. */
  readonly metricsPort: number | undefined
}

/** The authorizer, listening once it has read the cluster, until the scope closes. */
export const makeGateway = (options: {
  readonly port: number
  readonly host?: string
  /** The port for `GET /metrics`. 0: any free port. @default none */
  readonly metricsPort?: number | undefined
}): Effect.Effect<Gateway, GatewayError, KubeApi | Scope.Scope> =>
  Effect.gen(function* () {
    const api = yield* KubeApi
    const onFault = yield* faultLog("Couldn't answer a check of the gateway.")
    const { metricsPort } = options
    // First, so that a watch that never syncs can be seen.
    const metrics =
      metricsPort === undefined
        ? undefined
        : yield* makeMetricsServer({ port: metricsPort, host: options.host, onFault })
    const network = makeTenantNetwork()
    const follow = <A>(events: Stream.Stream<WatchEvent<A>>, take: (event: WatchEvent<A>) => void) =>
      Effect.gen(function* () {
        const listed = yield* Deferred.make<void>()
        yield* events.pipe(
          Stream.runForEach((event) => {
            take(event)
            return event.type === "list" ? Deferred.succeed(listed, undefined) : Effect.void
          }),
          Effect.forkScoped
        )
        return Deferred.await(listed)
      })
    const listed = [
      yield* follow(
        api.watch({ kind: kinds.namespace, labelSelector: ours, metadataOnly: true, decode: readNamespace }),
        network.namespaces
      ),
      yield* follow(
        api.watch({ kind: kinds.service, labelSelector: ours, metadataOnly: true, decode: readService }),
        network.services
      ),
      yield* follow(api.watch({ kind: kinds.pod, decode: readPod }), network.pods)
    ]
    yield* Effect.all(listed, { discard: true })
    const authorizer = yield* makeAuthorizer({ network, ...options, onFault })
    startAtZero("maxcloud_gateway_decisions_total")
    yield* report("maxcloud_gateway_waiting", () => [{ labels: {}, value: authorizer.waiting() }])
    yield* Effect.logInfo(`The gateway's authorizer listens on port ${authorizer.port}`)
    return { ...authorizer, metricsPort: metrics?.port }
  })
